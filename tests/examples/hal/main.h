/* As much of ST's HAL as examples/c/uart_hal.c uses, to compile it where there is none. */
#include <stdint.h>

typedef enum { HAL_OK, HAL_ERROR, HAL_BUSY, HAL_TIMEOUT } HAL_StatusTypeDef;

typedef struct {
    uint32_t volatile NDTR;
} DMA_Stream_TypeDef;

typedef struct {
    DMA_Stream_TypeDef *Instance;
} DMA_HandleTypeDef;

typedef struct {
    uint16_t volatile TxXferCount;
    DMA_HandleTypeDef *hdmarx;
} UART_HandleTypeDef;

#define __HAL_DMA_GET_COUNTER(handle) ((handle)->Instance->NDTR)

#define WAKE_Pin 0x0100

void __disable_irq(void);
void __enable_irq(void);

HAL_StatusTypeDef HAL_UART_Transmit(UART_HandleTypeDef *, const uint8_t *, uint16_t, uint32_t);
HAL_StatusTypeDef HAL_UART_Receive_DMA(UART_HandleTypeDef *, uint8_t *, uint16_t);
uint32_t HAL_GetTick(void);
void HAL_SuspendTick(void);
void HAL_ResumeTick(void);
void HAL_PWR_EnterSLEEPMode(uint32_t, uint8_t);
#define PWR_MAINREGULATOR_ON 0
#define PWR_SLEEPENTRY_WFI 1

extern UART_HandleTypeDef huart1;
