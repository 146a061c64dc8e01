/* SPDX-License-Identifier: MIT */
/* One question, one answer: cc hello.c $(pkg-config --cflags --libs harborai) */
#include <stdio.h>

#include <harborai/harborai.h>

int main(int argc, char **argv)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_client *client = harborai_client_open(NULL, &error);
    harborai_body *body = harborai_body_new(argc > 1 ? argv[1] : "gpt-4o");
    harborai_body_message(body, "user", "Say hello in five languages.");

    harborai_reply *reply = harborai_chat(client, harborai_body_str(body, &error), &error);
    if (reply != NULL)
        printf("%s\n(cost: %s %s)\n", harborai_reply_text(reply),
               *harborai_reply_cost(reply) != '\0' ? harborai_reply_cost(reply) : "not known",
               harborai_reply_currency(reply));
    else
        fprintf(stderr, "%s\n", error.message);

    harborai_reply_free(reply);
    harborai_body_free(body);
    harborai_client_close(client);
    return error.code == HARBORAI_OK ? 0 : 1;
}
