/* The UART of a microcontroller with ST's HAL, or one like it. */
#ifndef UART_HAL_H
#define UART_HAL_H

#include "at_client.h"
#include "main.h" /* CubeMX's: the HAL of the chip */

#define UART_HAL_RING 1024 /* bytes that may come between two calls of at_poll */

struct uart_hal {
    UART_HandleTypeDef *handle;
    size_t taken;
    uint8_t ring[UART_HAL_RING];
};

/* handle: set up by CubeMX at 115200 8N1 with hardware flow control, receiving by DMA in circular mode. */
bool uart_hal_open(struct uart_hal *line, struct at_uart *uart, UART_HandleTypeDef *handle);

#endif
