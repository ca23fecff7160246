# machine of the ESP32 port (1.25). The names are the port's and no others: dir() shows them.
from _machine import (
    RTC,
    WDT,
    Timer,
    deepsleep,
    disable_irq,
    enable_irq,
    freq,
    idle,
    lightsleep,
    mem32,
    reset,
    reset_cause,
    soft_reset,
    unique_id,
    wake_reason,
)
from _machine import (
    NotSimulated as ADC,
)
from _pin import Pin
from _uart import UART

ADCBlock = DAC = I2C = I2S = PWM = SDCard = SPI = Signal = SoftI2C = SoftSPI = TouchPad = ADC
bitstream = dht_readinto = mem8 = mem16 = time_pulse_us = ADC
sleep = lightsleep

PWRON_RESET = 1
HARD_RESET = 2
WDT_RESET = 3
DEEPSLEEP_RESET = 4
SOFT_RESET = 5

SLEEP = 2
DEEPSLEEP = 4

PIN_WAKE = 2
EXT0_WAKE = 2
EXT1_WAKE = 3
TIMER_WAKE = 4
TOUCHPAD_WAKE = 5
ULP_WAKE = 6
