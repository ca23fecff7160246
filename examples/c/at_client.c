#include "at_client.h"

#include <stdlib.h>
#include <string.h>

#define ARROW AT_ARROW_SIZE
#define BUSY_PAUSE_MS 50
#define QUIET_MS 30
#define SYNC_ANSWER_MS 300
#define SYNC_PAUSE_MS 1500 /* longer than AT+USERPROMPT makes a prompt wait: see esp_at.c */

enum state {
    IDLE,
    SENT,    /* a final result, or OK and the prompt, comes next */
    BUSY,    /* the module has dropped the line: results are those of an older command */
    PROMPT,  /* the module waits for data */
    WRITTEN, /* the data is out: the final result comes next */
    SUCCEEDED,
    FAILED,
    RESTARTED,
};

enum raw_kind { PAYLOAD, RECEIVED };

static uint32_t now(const struct at_client *at)
{
    return at->uart->millis(at->uart->context);
}

static bool begins(const char *line, const char *prefix)
{
    return strncmp(line, prefix, strlen(prefix)) == 0;
}

static void trace(struct at_client *at, const char *line)
{
    if (at->trace != NULL)
        at->trace(at->context, line);
}

static bool is_failure(const char *line)
{
    return strcmp(line, "ERROR") == 0 || strcmp(line, "FAIL") == 0 || strcmp(line, "SEND FAIL") == 0;
}

/* A command waits for its final result. */
static bool pending(const struct at_client *at)
{
    return at->request != NULL && at->state < SUCCEEDED;
}

/* A line of the module while a command is under way; false if it does not belong to that. */
static bool take_answer(struct at_client *at, const char *line)
{
    const struct at_request *request = at->request;
    const char *done = request->done != NULL ? request->done : "OK";

    if (strcmp(line, request->line) == 0)
        return true; /* the echo */
    if (begins(line, "busy ")) {
        if (at->state == SENT) {
            at->state = BUSY;
            at->busy_since = now(at);
        }
        return true;
    }
    if (at->state == BUSY)
        return strcmp(line, "OK") == 0 || strcmp(line, "ERROR") == 0;
    if (begins(line, "ERR CODE:")) {
        at->error_code = (uint32_t)strtoul(line + strlen("ERR CODE:"), NULL, 16);
    } else if (is_failure(line)) {
        at->state = FAILED;
    } else if (request->data != NULL && at->state == SENT && strcmp(line, "OK") == 0) {
        /* the prompt follows */
    } else if (strcmp(line, done) == 0) {
        at->state = SUCCEEDED;
    } else if (request->prefix != NULL && begins(line, request->prefix)) {
        if (request->on_line != NULL)
            request->on_line(request->context, line);
    } else {
        return at->state == WRITTEN && begins(line, "Recv ");
    }
    return true;
}

/* Of a command that has been given up. */
static bool is_late_answer(const char *line)
{
    return strcmp(line, "OK") == 0 || is_failure(line) || begins(line, "ERR CODE:") || begins(line, "busy ");
}

static void take_line(struct at_client *at)
{
    const char *line = at->text + ARROW;

    trace(at, at->text);
    if (strcmp(line, "ready") == 0) {
        at->ready = true;
        if (pending(at))
            at->state = RESTARTED;
    } else if (pending(at) ? take_answer(at, line) : is_late_answer(line)) {
        return;
    } else if (at->on_report != NULL) {
        at->on_report(at->context, line);
    }
}

/* The line so far ends with a comma or colon: is it the head of raw bytes? */
static void begin_raw(struct at_client *at)
{
    const struct at_request *request = at->request;
    const char *line = at->text + ARROW;
    char *rest;

    if (begins(line, "+IPD,") && line[at->length - 1] == ':') {
        at->raw_left = strtoul(line + strlen("+IPD,"), &rest, 10);
        at->raw_link = -1;
        if (*rest == ',') {
            at->raw_link = (int)at->raw_left;
            at->raw_left = strtoul(rest + 1, NULL, 10);
        }
        at->raw_kind = RECEIVED;
    } else if (request != NULL && request->payload != NULL && begins(line, request->prefix) &&
               line[at->length - 1] == ',') {
        at->raw_left = strtoul(line + strlen(request->prefix), NULL, 10);
        at->raw_kind = PAYLOAD;
    } else {
        return;
    }
    trace(at, at->text);
    at->length = 0;
}

/* Raw bytes, as many as there are of them; how many were taken. */
static size_t take_raw(struct at_client *at, const char *data, size_t count)
{
    if (count > at->raw_left)
        count = at->raw_left;
    if (at->raw_kind == RECEIVED) {
        if (at->on_data != NULL)
            at->on_data(at->context, at->raw_link, data, count);
    } else if (at->request != NULL && count <= at->request->payload_size - at->payload_count) {
        memcpy((char *)at->request->payload + at->payload_count, data, count);
        at->payload_count += count;
    }
    at->raw_left -= count;
    return count;
}

static void take_byte(struct at_client *at, char byte)
{
    char *line = at->text + ARROW;

    if (byte == '\n') {
        if (at->length > 0 && line[at->length - 1] == '\r')
            line[--at->length] = '\0';
        if (at->length > 0)
            take_line(at);
        at->length = 0;
    } else if (byte == '>' && at->length == 0 && at->state == SENT && at->request->data != NULL) {
        at->state = PROMPT;
    } else if (at->length < AT_LINE_SIZE - 1) {
        line[at->length++] = byte;
        line[at->length] = '\0';
        if (byte == ',' || byte == ':')
            begin_raw(at);
    }
}

/* True if there was anything. */
static bool take_received(struct at_client *at)
{
    char data[64];
    size_t count = at->uart->read(at->uart->context, data, sizeof data);

    for (size_t i = 0; i < count;) {
        if (at->raw_left > 0)
            i += take_raw(at, data + i, count - i);
        else
            take_byte(at, data[i++]);
    }
    return count > 0;
}

/* Reports are taken meanwhile, so that a module whose output is full goes on listening. */
static bool write_all(struct at_client *at, const void *data, size_t size, uint32_t begin, uint32_t timeout_ms)
{
    const char *rest = data;

    while (size > 0) {
        size_t count = at->uart->write(at->uart->context, rest, size);
        rest += count;
        size -= count;
        if (count == 0) {
            take_received(at);
            if (now(at) - begin > timeout_ms)
                return false;
        }
    }
    return true;
}

static bool write_line(struct at_client *at, const char *line, uint32_t begin, uint32_t timeout_ms)
{
    if (at->trace != NULL) {
        /* A line half received stays as it is: the trace gets a buffer of its own. */
        char shown[AT_LINE_SIZE + ARROW] = "-> ";
        strncat(shown, line, AT_LINE_SIZE - 1);
        trace(at, shown);
    }
    at->state = SENT;
    return write_all(at, line, strlen(line), begin, timeout_ms) && write_all(at, "\r\n", 2, begin, timeout_ms);
}

static enum at_result run(struct at_client *at, const struct at_request *request)
{
    uint32_t begin = now(at);
    bool written = write_line(at, request->line, begin, request->timeout_ms);

    while (written && pending(at)) {
        take_received(at);
        if (at->state == BUSY && now(at) - at->busy_since >= BUSY_PAUSE_MS) {
            written = write_line(at, request->line, begin, request->timeout_ms);
        } else if (at->state == PROMPT) {
            at->state = WRITTEN;
            written = write_all(at, request->data, request->data_size, begin, request->timeout_ms);
        }
        if (now(at) - begin > request->timeout_ms)
            break;
    }
    switch (at->state) {
    case SUCCEEDED:
        return AT_OK;
    case FAILED:
        return AT_ERROR;
    case RESTARTED:
        return AT_RESTARTED;
    default:
        at->out_of_step = true;
        return AT_TIMEOUT;
    }
}

void at_init(struct at_client *at, const struct at_uart *uart)
{
    memset(at, 0, sizeof *at);
    memcpy(at->text, "<- ", ARROW);
    at->uart = uart;
    at->out_of_step = true;
}

enum at_result at_send(struct at_client *at, const struct at_request *request)
{
    enum at_result result;

    if (at->out_of_step && at_sync(at, request->timeout_ms) != AT_OK)
        return AT_TIMEOUT;
    at_poll(at);
    at->error_code = 0;
    at->payload_count = 0;
    at->request = request;
    result = run(at, request);
    at->request = NULL;
    at->state = IDLE;
    return result;
}

enum at_result at_command(struct at_client *at, const char *line, uint32_t timeout_ms)
{
    struct at_request request = {.line = line, .timeout_ms = timeout_ms};

    return at_send(at, &request);
}

void at_poll(struct at_client *at)
{
    while (take_received(at))
        ;
}

enum at_result at_wait(struct at_client *at, const bool *flag, uint32_t timeout_ms)
{
    uint32_t begin = now(at);

    while (!*flag) {
        if (now(at) - begin > timeout_ms)
            return AT_TIMEOUT;
        take_received(at);
    }
    return AT_OK;
}

static void poll_for(struct at_client *at, uint32_t ms)
{
    const bool never = false;

    at_wait(at, &never, ms);
}

enum at_result at_sync(struct at_client *at, uint32_t timeout_ms)
{
    const struct at_request request = {.line = "AT", .timeout_ms = SYNC_ANSWER_MS};
    uint32_t begin = now(at);

    for (;;) {
        enum at_result result;

        at->length = 0;
        at->raw_left = 0;
        at->out_of_step = false;
        result = at_send(at, &request);
        /* An OK may be that of an older command: after it the line must be quiet. */
        if (result == AT_OK) {
            uint32_t heard = now(at);
            while (now(at) - heard < QUIET_MS)
                if (take_received(at))
                    break;
            if (now(at) - heard >= QUIET_MS)
                return AT_OK;
        }
        at->out_of_step = true;
        if (now(at) - begin > timeout_ms)
            return AT_TIMEOUT;
        if (result == AT_TIMEOUT)
            poll_for(at, SYNC_PAUSE_MS);
    }
}

bool at_quote(char *line, size_t size, const char *text)
{
    size_t length = strlen(line);

    if (length + 1 >= size)
        return false;
    line[length++] = '"';
    for (; *text != '\0'; text++) {
        bool escaped = *text == '"' || *text == '\\' || *text == ',';
        if (length + (escaped ? 3u : 2u) >= size)
            return false;
        if (escaped)
            line[length++] = '\\';
        line[length++] = *text;
    }
    line[length++] = '"';
    line[length] = '\0';
    return true;
}
