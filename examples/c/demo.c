/* What a host does with the module, from a computer's command line:
 *
 *   demo DEVICE ram TEXT                write TEXT into the module's RAM and read it back
 *   demo DEVICE join SSID PASSWORD      join an access point
 *   demo DEVICE get HOST PORT PATH      fetch http://HOST:PORT/PATH once it has joined
 *   demo DEVICE upgrade IMAGE [SHA256]  upgrade the module through the port
 *   demo DEVICE sleep GPIO FILE         sleep until the module drives GPIO high, and print why it did;
 *                                       FILE has the level: /sys/class/gpio/gpioN/value of a wired pin
 *
 * With -v in front all lines that go over the wire are printed.
 */
#define _DEFAULT_SOURCE /* usleep */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "esp_at.h"
#include "uart_posix.h"

#define USAGE                                                                                                        \
    "demo [-v] DEVICE ram TEXT | join SSID PASSWORD | get HOST PORT PATH | upgrade IMAGE [SHA256] | "                 \
    "sleep GPIO FILE\n"
#define WAKE_DELAY_MS 10000
#define REPORT_MS 2000
#define FETCH_MS 30000

static bool reported;
static bool closed;

static void print_line(void *context, const char *line)
{
    (void)context;
    puts(line);
}

static void print_report(void *context, const char *line)
{
    (void)context;
    printf("report: %s\n", line);
    reported = true;
    if (strcmp(line, "CLOSED") == 0)
        closed = true;
}

static void print_data(void *context, int link, const void *data, size_t size)
{
    (void)context;
    (void)link;
    fwrite(data, 1, size, stdout);
}

static int show(struct at_client *at, const char *what, enum at_result result)
{
    static const char *const NAMES[] = {"done", "refused", "no answer", "the module has restarted"};

    printf("%s: %s", what, NAMES[result]);
    if (result == AT_ERROR && at->error_code != 0)
        printf(" (0x%08lx)", (unsigned long)at->error_code);
    putchar('\n');
    return result == AT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int ram(struct at_client *at, char **words, int count)
{
    const char *text = words[0];
    char back[256];
    uint32_t size = (uint32_t)strlen(text);
    enum at_result result;

    (void)count;
    if (size == 0 || size > sizeof back)
        return EXIT_FAILURE;
    result = esp_at_ram_allocate(at, size);
    if (result == AT_OK)
        result = esp_at_ram_write(at, 0, text, size);
    if (result == AT_OK)
        result = esp_at_ram_read(at, 0, back, size);
    if (result == AT_OK)
        printf("read back: %.*s\n", (int)size, back);
    if (result == AT_OK)
        result = esp_at_ram_release(at);
    return show(at, "ram", result);
}

static int join(struct at_client *at, char **words, int count)
{
    int reason;
    enum at_result result = esp_at_join(at, words[0], words[1], &reason);

    (void)count;
    if (reason != 0)
        printf("reason: %d\n", reason);
    return show(at, "join", result);
}

static int get(struct at_client *at, char **words, int count)
{
    const char *host = words[0];
    char text[512];
    int size = snprintf(text, sizeof text, "GET /%s HTTP/1.0\r\nHost: %s\r\n\r\n", words[2], host);
    enum at_result result;

    (void)count;
    if (size >= (int)sizeof text)
        return EXIT_FAILURE;
    result = esp_at_connect(at, host, (unsigned)atoi(words[1]));
    if (result == AT_OK)
        result = esp_at_send(at, text, (size_t)size);
    if (result == AT_OK)
        result = at_wait(at, &closed, FETCH_MS);
    return show(at, "get", result);
}

static bool read_file(void *file, void *data, size_t size)
{
    return fread(data, 1, size, file) == size;
}

static int upgrade(struct at_client *at, char **words, int count)
{
    static char piece[4096];
    const char *name = words[0];
    struct esp_at_image image = {.sha256 = count > 1 ? words[1] : NULL, .read = read_file};
    FILE *file = fopen(name, "rb");
    char version[32] = "";
    enum at_result result;

    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        perror(name);
        return EXIT_FAILURE;
    }
    image.size = (size_t)ftell(file);
    image.context = file;
    rewind(file);
    result = esp_at_upgrade(at, &image, piece, sizeof piece);
    fclose(file);
    if (result == AT_OK)
        result = esp_at_version(at, version, sizeof version);
    if (result == AT_OK)
        printf("version: %s\n", version);
    return show(at, "upgrade", result);
}

static bool is_high(const char *name)
{
    FILE *file = fopen(name, "r");
    int level = file != NULL ? fgetc(file) : '0';

    if (file != NULL)
        fclose(file);
    return level == '1';
}

static int sleep_until_woken(struct at_client *at, char **words, int count)
{
    enum at_result result = esp_at_wake_by_gpio(at, atoi(words[0]), 1, WAKE_DELAY_MS);

    (void)count;
    if (result == AT_OK)
        result = esp_at_sleep(at);
    if (result == AT_OK) {
        puts("asleep");
        fflush(stdout);
        /* A microcontroller stops here and an interrupt of the pin starts it again. */
        while (!is_high(words[1]))
            usleep(1000);
        puts("woken");
        reported = false;
        result = esp_at_awake(at);
    }
    if (result == AT_OK)
        result = at_wait(at, &reported, REPORT_MS);
    return show(at, "sleep", result);
}

static const struct action {
    const char *name;
    int least, most; /* words after the name */
    int (*run)(struct at_client *at, char **words, int count);
} ACTIONS[] = {
    {"ram", 1, 1, ram},
    {"join", 2, 2, join},
    {"get", 3, 3, get},
    {"upgrade", 1, 2, upgrade},
    {"sleep", 2, 2, sleep_until_woken},
};

static const struct action *find_action(const char *name, int count)
{
    for (size_t i = 0; i < sizeof ACTIONS / sizeof ACTIONS[0]; i++)
        if (strcmp(name, ACTIONS[i].name) == 0 && count >= ACTIONS[i].least && count <= ACTIONS[i].most)
            return &ACTIONS[i];
    return NULL;
}

int main(int count, char **words)
{
    bool verbose = count > 1 && strcmp(words[1], "-v") == 0;
    const struct action *action;
    struct uart_posix line;
    struct at_uart uart;
    struct at_client at;
    int status;

    count -= 3 + verbose;
    words += 1 + verbose;
    action = count > 0 ? find_action(words[1], count) : NULL;
    if (action == NULL) {
        fputs(USAGE, stderr);
        return EXIT_FAILURE;
    }
    if (!uart_posix_open(&line, &uart, words[0])) {
        fprintf(stderr, "%s: %s\n", words[0], strerror(errno));
        return EXIT_FAILURE;
    }
    at_init(&at, &uart);
    at.on_report = print_report;
    at.on_data = print_data;
    at.trace = verbose ? print_line : NULL;
    if (esp_at_start(&at) == AT_OK)
        status = action->run(&at, words + 2, count);
    else
        status = show(&at, "start", AT_TIMEOUT);
    uart_posix_close(&line);
    return status;
}
