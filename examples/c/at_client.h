/* A client for modules that speak ESP-AT: no heap, no threads, no operating system. C99.
 *
 * The module's lines are told apart like this: what ends a command (OK, ERROR, ...), what a command
 * asks for (lines that begin with a prefix of its request), and message reports, which come at any
 * time and go to on_report. All functions are called from one thread; none from an interrupt.
 */
#ifndef AT_CLIENT_H
#define AT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AT_LINE_SIZE 260 /* a command of 256 bytes, CR, LF, NUL; longer lines of the module are cut */
#define AT_ARROW_SIZE 3

/* The UART, as the application has it. */
struct at_uart {
    /* Up to size bytes that have been received, 0 if there are none. May wait a millisecond or so. */
    size_t (*read)(void *context, void *data, size_t size);
    /* How many of the bytes were taken; the rest is offered again. */
    size_t (*write)(void *context, const void *data, size_t size);
    /* A clock that counts milliseconds and may wrap. */
    uint32_t (*millis)(void *context);
    void *context;
};

enum at_result {
    AT_OK,
    AT_ERROR,     /* the module refused: see error_code */
    AT_TIMEOUT,   /* no answer in time; the next request first gets the module into step again */
    AT_RESTARTED, /* the module said ready: its settings are those after a start */
};

typedef void at_line_handler(void *context, const char *line);

/* Bytes of +IPD, in pieces as they come; link is -1 with AT+CIPMUX=0. */
typedef void at_data_handler(void *context, int link, const void *data, size_t size);

/* One command and what belongs to it; what is not given is 0. */
struct at_request {
    const char *line;         /* without CR LF */
    uint32_t timeout_ms;      /* for the whole of it */
    const char *prefix;       /* information lines begin so, "+CWSTATE:" for example; "" is all lines */
    at_line_handler *on_line; /* gets them */
    void *context;            /* for on_line */
    const void *data;         /* sent when the module prompts with > */
    size_t data_size;
    const char *done;         /* the final result if it is not OK, "WRITE OK" for example */
    void *payload;            /* raw bytes that follow prefix, a count and a comma: +USERRAM:5,hello */
    size_t payload_size;
};

struct at_client {
    const struct at_uart *uart;
    at_line_handler *on_report; /* message reports; must not send commands. NULL drops them */
    at_data_handler *on_data;   /* what came over a link; NULL drops it */
    at_line_handler *trace;     /* NULL, or gets all lines with "-> " or "<- " in front */
    void *context;              /* for all three */
    uint32_t error_code;        /* of the last AT_ERROR, 0x01...., if AT+SYSLOG=1 is in force; else 0 */
    bool ready;                 /* the module said ready; set by the client, cleared by whoever waits */

    /* The client's own. */
    const struct at_request *request;
    int state;
    bool out_of_step;
    uint32_t busy_since;
    int raw_kind;
    int raw_link;
    size_t raw_left;
    size_t payload_count;
    size_t length;
    char text[AT_ARROW_SIZE + AT_LINE_SIZE]; /* "<- " and the line under way */
};

void at_init(struct at_client *at, const struct at_uart *uart);

/* Send a command and wait for its result. A module that is busy is asked again until time is up. */
enum at_result at_send(struct at_client *at, const struct at_request *request);

/* The same for a command without data or information lines. */
enum at_result at_command(struct at_client *at, const char *line, uint32_t timeout_ms);

/* Take what has been received while no command is under way: reports. Call it often. */
void at_poll(struct at_client *at);

/* Poll until *flag is set by a handler, or time is up. */
enum at_result at_wait(struct at_client *at, const bool *flag, uint32_t timeout_ms);

/* Get into step with a module in an unknown state: in a prompt, in a command, echoing, just starting. */
enum at_result at_sync(struct at_client *at, uint32_t timeout_ms);

/* Append text to line as a quoted parameter; false if it does not fit into size bytes. */
bool at_quote(char *line, size_t size, const char *text);

#endif
