/* SPDX-License-Identifier: MIT */
/* What harborai_client_open() costs in a process that has done nothing else: `open PORT STATE` opens a
 * client with five providers, asks the upstream at PORT once, and prints one JSON object: ms and bytes
 * of the heap for opening, ms for the first answer, and how many plugins were mapped before and after
 * that first call. */
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <harborai/harborai.h>

static double now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static size_t heap_bytes(void)
{
    struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
}

/* Files of plugins, not their segments. */
static int mapped_plugins(void)
{
    char line[512], last[512] = "";
    int count = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        const char *path = strchr(line, '/');
        if (path == NULL || strstr(path, "/plugins/") == NULL || strcmp(path, last) == 0)
            continue;
        snprintf(last, sizeof last, "%s", path);
        count++;
    }
    if (maps != NULL)
        fclose(maps);
    return count;
}

static harborai_client *open_five(const char *port, const char *state, harborai_error *error)
{
    char text[1024];
    int len = snprintf(text, sizeof text, "providers:\n");
    for (int i = 1; i <= 5; i++)
        len += snprintf(text + len, sizeof text - (size_t)len,
                        "  lab%d: { plugin: openai, base_url: \"http://127.0.0.1:%s/v1\", "
                        "api_key: none, models: [bench-%d] }\n", i, port, i);
    harborai_client_options options = {.size = sizeof options, .state_dir = state,
                                       .config_text = {text, (size_t)len}};
    return harborai_client_open(&options, error);
}

int main(int argc, char **argv)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    if (argc != 3)
        return 2;
    size_t bytes = heap_bytes();
    double began = now_ms();
    harborai_client *client = open_five(argv[1], argv[2], &error);
    double opened = now_ms();
    bytes = heap_bytes() - bytes;
    int before = mapped_plugins();
    double asked = now_ms();
    harborai_reply *reply = harborai_chat(client, HARBORAI_STR("{\"model\":\"bench-3\",\"messages\":["
                                                               "{\"role\":\"user\",\"content\":\"x\"}]}"),
                                          &error);
    double answered = now_ms();
    if (reply == NULL)
        fprintf(stderr, "%s\n", error.message);
    printf("{\"open_ms\":%.3f,\"bytes\":%zu,\"first_ms\":%.3f,\"plugins_before\":%d,"
           "\"plugins_after\":%d}\n", opened - began, bytes, answered - asked, before,
           mapped_plugins());
    harborai_reply_free(reply);
    harborai_client_close(client);
    return reply != NULL ? 0 : 1;
}
