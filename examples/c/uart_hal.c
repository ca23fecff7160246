#include "uart_hal.h"

#define WRITE_MS 100

/* The DMA fills the ring round and round; its counter tells how far it is from the ring's end. */
static size_t uart_read(void *context, void *data, size_t size)
{
    struct uart_hal *line = context;
    size_t filled = (UART_HAL_RING - __HAL_DMA_GET_COUNTER(line->handle->hdmarx)) % UART_HAL_RING;
    size_t count = 0;

    while (count < size && line->taken != filled) {
        ((uint8_t *)data)[count++] = line->ring[line->taken];
        line->taken = (line->taken + 1) % UART_HAL_RING;
    }
    return count;
}

static size_t uart_write(void *context, const void *data, size_t size)
{
    struct uart_hal *line = context;
    /* At 115200 baud 128 bytes take 11 ms: the ring is looked after in between. */
    uint16_t count = size < 128 ? (uint16_t)size : 128;
    HAL_StatusTypeDef status = HAL_UART_Transmit(line->handle, (uint8_t *)data, count, WRITE_MS);

    if (status == HAL_OK)
        return count;
    /* The module may hold CTS off for a while. */
    return status == HAL_TIMEOUT ? (size_t)(count - line->handle->TxXferCount) : 0;
}

static uint32_t uart_millis(void *context)
{
    (void)context;
    return HAL_GetTick();
}

bool uart_hal_open(struct uart_hal *line, struct at_uart *uart, UART_HandleTypeDef *handle)
{
    line->handle = handle;
    line->taken = 0;
    *uart = (struct at_uart){.read = uart_read, .write = uart_write, .millis = uart_millis, .context = line};
    return HAL_UART_Receive_DMA(handle, line->ring, UART_HAL_RING) == HAL_OK;
}
