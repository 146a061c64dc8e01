/* SPDX-License-Identifier: MIT */
/* memory WAY CONFIG STATE FEW MANY: makes calls and prints the resident KiB after FEW and after MANY of
 * them; WAY is whole, stream or start. Sixteen at once in the last. */
#include <stdatomic.h>

#include "driver.h"

static atomic_int running;

static void on_done(void *context, harborai_call_id id, const harborai_reply *reply,
                    const harborai_error *error)
{
    (void)context, (void)id, (void)reply;
    MUST(error == NULL);
    atomic_fetch_sub(&running, 1);
}

static void ask_stream(harborai_client *client, harborai_str body)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_stream *stream = harborai_chat_stream(client, body, &error);
    for (harborai_chunk chunk; harborai_stream_next(stream, &chunk, &error);)
        ;
    MUST(error.code == HARBORAI_OK);
    harborai_stream_close(stream);
}

static void ask_whole(harborai_client *client, harborai_str body)
{
    harborai_reply *reply = harborai_chat(client, body, NULL);
    MUST(reply != NULL);
    harborai_reply_free(reply);
}

static void ask_start(harborai_client *client, harborai_str body)
{
    harborai_handlers handlers = {sizeof handlers, NULL, on_done, NULL};
    MUST(harborai_chat_start(client, body, &handlers, NULL) != 0);
    atomic_fetch_add(&running, 1);
    while (running >= 16)
        MUST(harborai_client_dispatch(client, -1, NULL) >= 0);
}

static long resident_kib(void)
{
    long total, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    MUST(file != NULL && fscanf(file, "%ld %ld", &total, &resident) == 2);
    fclose(file);
    return resident * 4;
}

int main(int argc, char **argv)
{
    MUST(argc == 6);
    harborai_client *client = driver_open(argv);
    harborai_body *body = driver_body("gpt-4o", "hello there");
    harborai_str text = harborai_body_str(body, NULL);
    int few = (int)strtol(argv[4], NULL, 10), many = (int)strtol(argv[5], NULL, 10);
    for (int i = 1; i <= many; i++) {
        if (strcmp(argv[1], "stream") == 0)
            ask_stream(client, text);
        else if (strcmp(argv[1], "start") == 0)
            ask_start(client, text);
        else
            ask_whole(client, text);
        if (i == few || i == many)
            printf("%ld\n", resident_kib());
    }
    while (running > 0)
        MUST(harborai_client_dispatch(client, -1, NULL) >= 0);
    harborai_body_free(body);
    MUST(harborai_client_close(client) == HARBORAI_OK);
    return 0;
}
