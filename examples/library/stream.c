/* SPDX-License-Identifier: MIT */
/* An answer as it comes. */
#include <stdio.h>

#include <harborai/harborai.h>

int main(int argc, char **argv)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_client *client = harborai_client_open(NULL, &error);
    harborai_body *body = harborai_body_new(argc > 1 ? argv[1] : "gpt-4o");
    harborai_body_message(body, "user", "Tell me a story of three sentences.");

    harborai_stream *stream = harborai_chat_stream(client, harborai_body_str(body, &error), &error);
    for (harborai_chunk chunk; harborai_stream_next(stream, &chunk, &error);) {
        fwrite(chunk.text.data, 1, chunk.text.len, stdout);
        fflush(stdout);
    }
    putchar('\n');
    if (error.code != HARBORAI_OK)
        fprintf(stderr, "%s\n", error.message);

    harborai_stream_close(stream);
    harborai_body_free(body);
    harborai_client_close(client);
    return error.code == HARBORAI_OK ? 0 : 1;
}
