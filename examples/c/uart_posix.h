/* The UART of a computer: a serial adapter, or the tty of a simulated board. */
#ifndef UART_POSIX_H
#define UART_POSIX_H

#include "at_client.h"

struct uart_posix {
    int fd;
};

/* Open device at 115200 baud, 8N1, RTS and CTS in use; false, with errno set, if that fails. */
bool uart_posix_open(struct uart_posix *line, struct at_uart *uart, const char *device);
void uart_posix_close(struct uart_posix *line);

#endif
