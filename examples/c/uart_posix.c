#define _DEFAULT_SOURCE /* cfmakeraw, CRTSCTS */

#include "uart_posix.h"

#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

static size_t uart_read(void *context, void *data, size_t size)
{
    const struct uart_posix *line = context;
    struct pollfd wanted = {.fd = line->fd, .events = POLLIN};
    ssize_t count = 0;

    if (poll(&wanted, 1, 1) > 0)
        count = read(line->fd, data, size);
    return count > 0 ? (size_t)count : 0;
}

static size_t uart_write(void *context, const void *data, size_t size)
{
    const struct uart_posix *line = context;
    ssize_t count = write(line->fd, data, size);

    return count > 0 ? (size_t)count : 0;
}

static uint32_t uart_millis(void *context)
{
    struct timespec time;

    (void)context;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint32_t)((uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000);
}

bool uart_posix_open(struct uart_posix *line, struct at_uart *uart, const char *device)
{
    struct termios settings;

    line->fd = open(device, O_RDWR | O_NOCTTY | O_NONBLOCK);
    if (line->fd < 0)
        return false;
    if (tcgetattr(line->fd, &settings) != 0) {
        close(line->fd);
        return false;
    }
    cfmakeraw(&settings);
    settings.c_cflag |= CLOCAL | CREAD | CRTSCTS;
    cfsetispeed(&settings, B115200);
    cfsetospeed(&settings, B115200);
    if (tcsetattr(line->fd, TCSANOW, &settings) != 0) {
        close(line->fd);
        return false;
    }
    *uart = (struct at_uart){.read = uart_read, .write = uart_write, .millis = uart_millis, .context = line};
    return true;
}

void uart_posix_close(struct uart_posix *line)
{
    close(line->fd);
}
