/* What a host does with the module, on top of at_client. Every function waits for its result. */
#ifndef ESP_AT_H
#define ESP_AT_H

#include "at_client.h"

/* After power-up, or after the module has said ready: echo off, error codes on, prompts with an end. */
enum at_result esp_at_start(struct at_client *at);

/* The module's own version, "1.1.0" for example. */
enum at_result esp_at_version(struct at_client *at, char *version, size_t size);

/* Join an access point. AT_ERROR: *reason is 1 timeout, 2 wrong password, 3 not found, 4 failed. */
enum at_result esp_at_join(struct at_client *at, const char *ssid, const char *password, int *reason);

/* One TCP connection, as AT+CIPMUX=0 has it. What the other side sends goes to on_data of the client, also
 * while other functions wait; its end is the message report CLOSED. */
enum at_result esp_at_connect(struct at_client *at, const char *host, unsigned port);
enum at_result esp_at_send(struct at_client *at, const void *data, size_t size); /* 8192 at the most */
enum at_result esp_at_close(struct at_client *at);

/* The block of the module's RAM that belongs to the host. */
enum at_result esp_at_ram_allocate(struct at_client *at, uint32_t size);
enum at_result esp_at_ram_write(struct at_client *at, uint32_t offset, const void *data, uint32_t size);
enum at_result esp_at_ram_read(struct at_client *at, uint32_t offset, void *data, uint32_t size);
enum at_result esp_at_ram_release(struct at_client *at);

/* From now on, while the host sleeps, the module drives this GPIO to level before it reports anything,
 * and then waits at most delay_ms (60000 at the most) for esp_at_awake. */
enum at_result esp_at_wake_by_gpio(struct at_client *at, int gpio, int level, uint32_t delay_ms);
enum at_result esp_at_sleep(struct at_client *at);
enum at_result esp_at_awake(struct at_client *at);

/* Where the image of an upgrade comes from, piece by piece in order. */
struct esp_at_image {
    size_t size;
    const char *sha256;                                        /* 64 hex digits, or NULL */
    bool (*read)(void *context, void *data, size_t size);      /* the next bytes; false: give up */
    void (*progress)(void *context, size_t sent, size_t size); /* or NULL */
    void *context;
};

/* Upgrade the module through the port and wait until the new firmware answers. buffer holds a piece of
 * the image; best is 4096, a sector, and less is slower. A piece that gets lost is sent again. */
enum at_result esp_at_upgrade(struct at_client *at, const struct esp_at_image *image, void *buffer, size_t size);

#endif
