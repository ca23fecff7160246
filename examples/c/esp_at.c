#include "esp_at.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SHORT_MS 2000
#define JOIN_MS 20000 /* the module gives up after 15 s */
#define CONNECT_MS 30000
#define DATA_MS 10000
#define START_MS 20000
#define VERIFY_MS 20000
#define PIECE_MOST 4096
#define PIECE_TRIES 3
#define DOWNLOADING "+USEROTA:1,"

#if defined(__GNUC__)
__attribute__((format(printf, 3, 4)))
#endif
static enum at_result
command(struct at_client *at, uint32_t timeout_ms, const char *format, ...)
{
    char line[AT_LINE_SIZE];
    va_list values;

    va_start(values, format);
    vsnprintf(line, sizeof line, format, values);
    va_end(values);
    return at_command(at, line, timeout_ms);
}

enum at_result esp_at_start(struct at_client *at)
{
    enum at_result result = at_sync(at, START_MS);

    if (result == AT_OK)
        result = at_command(at, "ATE0", SHORT_MS);
    if (result == AT_OK)
        result = at_command(at, "AT+SYSLOG=1", SHORT_MS);
    /* A prompt whose data got lost ends after a second without a byte. ESP-AT's own firmware, which has no
     * such command, answers ERROR. */
    if (result == AT_OK && at_command(at, "AT+USERPROMPT=1000", SHORT_MS) == AT_TIMEOUT)
        result = AT_TIMEOUT;
    return result;
}

struct text {
    char *bytes;
    size_t size;
};

static void keep_version(void *context, const char *line)
{
    const struct text *version = context;
    size_t length;

    if (strncmp(line, "Bin version:", strlen("Bin version:")) != 0)
        return;
    line += strlen("Bin version:");
    length = strcspn(line, "(");
    snprintf(version->bytes, version->size, "%.*s", (int)length, line);
}

enum at_result esp_at_version(struct at_client *at, char *version, size_t size)
{
    struct text text = {version, size};
    struct at_request request = {
        .line = "AT+GMR",
        .timeout_ms = SHORT_MS,
        .prefix = "",
        .on_line = keep_version,
        .context = &text,
    };

    return at_send(at, &request);
}

static void keep_reason(void *context, const char *line)
{
    *(int *)context = atoi(line + strlen("+CWJAP:"));
}

enum at_result esp_at_join(struct at_client *at, const char *ssid, const char *password, int *reason)
{
    char line[AT_LINE_SIZE] = "AT+CWJAP=";
    struct at_request request = {
        .line = line,
        .timeout_ms = JOIN_MS,
        .prefix = "+CWJAP:",
        .on_line = keep_reason,
        .context = reason,
    };
    enum at_result result = at_command(at, "AT+CWMODE=1", SHORT_MS);

    *reason = 0;
    if (result != AT_OK)
        return result;
    if (!at_quote(line, sizeof line - 1, ssid))
        return AT_ERROR;
    strcat(line, ",");
    if (!at_quote(line, sizeof line, password))
        return AT_ERROR;
    return at_send(at, &request);
}

enum at_result esp_at_connect(struct at_client *at, const char *host, unsigned port)
{
    char line[AT_LINE_SIZE] = "AT+CIPSTART=\"TCP\",";
    struct at_request request = {.line = line, .timeout_ms = CONNECT_MS, .prefix = "CONNECT"};
    size_t length;

    if (!at_quote(line, sizeof line, host))
        return AT_ERROR;
    length = strlen(line);
    snprintf(line + length, sizeof line - length, ",%u", port);
    return at_send(at, &request);
}

enum at_result esp_at_send(struct at_client *at, const void *data, size_t size)
{
    char line[AT_LINE_SIZE];
    struct at_request request = {
        .line = line,
        .timeout_ms = DATA_MS,
        .data = data,
        .data_size = size,
        .done = "SEND OK",
    };

    snprintf(line, sizeof line, "AT+CIPSEND=%lu", (unsigned long)size);
    return at_send(at, &request);
}

enum at_result esp_at_close(struct at_client *at)
{
    struct at_request request = {.line = "AT+CIPCLOSE", .timeout_ms = SHORT_MS, .prefix = "CLOSED"};

    return at_send(at, &request);
}

enum at_result esp_at_ram_allocate(struct at_client *at, uint32_t size)
{
    return command(at, SHORT_MS, "AT+USERRAM=1,%" PRIu32, size);
}

enum at_result esp_at_ram_write(struct at_client *at, uint32_t offset, const void *data, uint32_t size)
{
    char line[AT_LINE_SIZE];
    struct at_request request = {
        .line = line,
        .timeout_ms = DATA_MS,
        .data = data,
        .data_size = size,
        .done = "WRITE OK",
    };

    snprintf(line, sizeof line, "AT+USERRAM=2,%" PRIu32 ",%" PRIu32, size, offset);
    return at_send(at, &request);
}

enum at_result esp_at_ram_read(struct at_client *at, uint32_t offset, void *data, uint32_t size)
{
    char line[AT_LINE_SIZE];
    struct at_request request = {
        .line = line,
        .timeout_ms = DATA_MS,
        .prefix = "+USERRAM:",
        .payload = data,
        .payload_size = size,
    };
    enum at_result result;

    snprintf(line, sizeof line, "AT+USERRAM=3,%" PRIu32 ",%" PRIu32, size, offset);
    result = at_send(at, &request);
    /* Bytes that got lost show in their number. */
    return result == AT_OK && at->payload_count != size ? AT_ERROR : result;
}

enum at_result esp_at_ram_release(struct at_client *at)
{
    return at_command(at, "AT+USERRAM=0", SHORT_MS);
}

enum at_result esp_at_wake_by_gpio(struct at_client *at, int gpio, int level, uint32_t delay_ms)
{
    /* What is in force already must be ended first. */
    enum at_result result = at_command(at, "AT+USERWKMCUCFG=0", SHORT_MS);

    if (result == AT_OK)
        result = command(at, SHORT_MS, "AT+USERWKMCUCFG=1,1,%d,%d,%" PRIu32, gpio, level, delay_ms);
    return result;
}

enum at_result esp_at_sleep(struct at_client *at)
{
    return at_command(at, "AT+USERMCUSLEEP=1", SHORT_MS);
}

enum at_result esp_at_awake(struct at_client *at)
{
    return at_command(at, "AT+USERMCUSLEEP=0", SHORT_MS);
}

static void keep_received(void *context, const char *line)
{
    if (strncmp(line, DOWNLOADING, strlen(DOWNLOADING)) == 0)
        *(size_t *)context = strtoul(line + strlen(DOWNLOADING), NULL, 10);
}

/* How many bytes of the upgrade under way have arrived; SIZE_MAX if there is none. */
static enum at_result ask_received(struct at_client *at, size_t *received)
{
    struct at_request request = {
        .line = "AT+USEROTA?",
        .timeout_ms = SHORT_MS,
        .prefix = "+USEROTA:",
        .on_line = keep_received,
        .context = received,
    };

    *received = SIZE_MAX;
    return at_send(at, &request);
}

static enum at_result send_piece(struct at_client *at, size_t before, const void *data, size_t size)
{
    char line[AT_LINE_SIZE];
    struct at_request request = {.line = line, .timeout_ms = DATA_MS, .data = data, .data_size = size};
    enum at_result result = AT_ERROR;

    snprintf(line, sizeof line, "AT+USEROTADATA=%u", (unsigned)size);
    for (int i = 0; i < PIECE_TRIES; i++) {
        size_t received;
        uint32_t code;

        result = at_send(at, &request);
        code = at->error_code;
        if (result == AT_OK || result == AT_RESTARTED)
            return result;
        /* Either the piece or the answer has got lost, or the upgrade has ended. */
        if (ask_received(at, &received) == AT_OK && received == before + size)
            return AT_OK;
        at->error_code = code;
        if (received != before)
            break;
    }
    return result;
}

static enum at_result send_image(struct at_client *at, const struct esp_at_image *image, char *buffer, size_t size)
{
    for (size_t sent = 0; sent < image->size;) {
        size_t count = image->size - sent < size ? image->size - sent : size;
        enum at_result result;

        if (!image->read(image->context, buffer, count))
            return AT_ERROR;
        result = send_piece(at, sent, buffer, count);
        if (result != AT_OK)
            return result;
        sent += count;
        if (image->progress != NULL)
            image->progress(image->context, sent, image->size);
    }
    return AT_OK;
}

enum at_result esp_at_upgrade(struct at_client *at, const struct esp_at_image *image, void *buffer, size_t size)
{
    bool hashed = image->sha256 != NULL;
    /* An upgrade that this host began before it was reset may still be under way. */
    enum at_result result = at_command(at, "AT+USEROTAABORT", SHORT_MS);

    if (result == AT_OK)
        result = command(at, SHORT_MS, "AT+USEROTASTART=%lu%s%s%s", (unsigned long)image->size, hashed ? ",\"" : "",
                         hashed ? image->sha256 : "", hashed ? "\"" : "");
    if (result != AT_OK)
        return result;
    result = send_image(at, image, buffer, size < PIECE_MOST ? size : PIECE_MOST);
    if (result == AT_OK) {
        at->ready = false;
        result = at_command(at, "AT+USEROTAEND", VERIFY_MS);
    }
    if (result != AT_OK) {
        uint32_t code = at->error_code;
        at_command(at, "AT+USEROTAABORT", SHORT_MS);
        at->error_code = code;
        return result;
    }
    /* The first command that the new firmware answers makes it permanent. */
    result = at_wait(at, &at->ready, START_MS);
    return result == AT_OK ? esp_at_start(at) : result;
}
