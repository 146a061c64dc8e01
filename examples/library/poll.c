/* SPDX-License-Identifier: MIT */
/* Calls on a loop of one's own, beside whatever else that waits for: here, standard input. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <harborai/harborai.h>

static int left, failed;

static void on_done(void *context, harborai_call_id id, const harborai_reply *reply,
                    const harborai_error *error)
{
    printf("call %d: %s\n", *(int *)context, error != NULL ? error->message : harborai_reply_text(reply));
    failed += error != NULL;
    left--;
    (void)id;
}

int main(int argc, char **argv)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_client *client = harborai_client_open(NULL, &error);
    harborai_body *body = harborai_body_new(argc > 1 ? argv[1] : "gpt-4o");
    int numbers[3] = {1, 2, 3};
    harborai_body_message(body, "user", "Name a colour.");
    harborai_str question = harborai_body_str(body, &error);
    for (int i = 0; i < 3; i++) {
        harborai_handlers handlers = {sizeof handlers, NULL, on_done, &numbers[i]};
        left += harborai_chat_start(client, question, &handlers, &error) != 0;
    }
    struct pollfd fds[2] = {{.fd = harborai_client_fd(client, &error), .events = POLLIN},
                            {.fd = STDIN_FILENO, .events = POLLIN}};
    while (left > 0 && poll(fds, 2, -1) >= 0) {
        if (fds[0].revents != 0)
            harborai_client_dispatch(client, 0, &error);
        if (fds[1].revents != 0)
            fds[1].fd = -1; /* the other things that a loop does */
    }
    if (error.code != HARBORAI_OK)
        fprintf(stderr, "%s\n", error.message);
    harborai_body_free(body);
    harborai_client_close(client);
    return error.code == HARBORAI_OK && failed == 0 ? 0 : 1;
}
