/* SPDX-License-Identifier: MIT */
/* A hundred calls at once, answered on a thread of the library's. */
#include <semaphore.h>
#include <stdio.h>

#include <harborai/harborai.h>

enum { CALLS = 100 };
static sem_t done;

static void on_done(void *context, harborai_call_id id, const harborai_reply *reply,
                    const harborai_error *error)
{
    int *good = context;
    if (error != NULL)
        fprintf(stderr, "call %llu: %s\n", (unsigned long long)id, error->message);
    else
        *good += harborai_reply_text(reply)[0] != '\0';
    sem_post(&done);
}

int main(int argc, char **argv)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_client *client = harborai_client_open(NULL, &error);
    int good = 0, started = 0;
    harborai_handlers handlers = {sizeof handlers, NULL, on_done, &good};
    sem_init(&done, 0, 0);
    harborai_client_run_thread(client, &error);
    for (int i = 0; i < CALLS; i++) {
        char text[64];
        harborai_body *body = harborai_body_new(argc > 1 ? argv[1] : "gpt-4o");
        snprintf(text, sizeof text, "What is the square of %d?", i);
        harborai_body_message(body, "user", text);
        started += harborai_chat_start(client, harborai_body_str(body, &error), &handlers, &error) != 0;
        harborai_body_free(body);
    }
    for (int i = 0; i < started; i++)
        sem_wait(&done);
    char *cost = harborai_client_stats(client, "cost", &error);
    printf("%d of %d answered: %s\n", good, CALLS, cost != NULL ? cost : error.message);
    harborai_free(cost);
    harborai_client_close(client);
    return good == CALLS ? 0 : 1;
}
