/* SPDX-License-Identifier: MIT */
/* A program may include the header of applications and that of plugins: as C11, and as C++17. */
#include <harborai/harborai.h>
#include <harborai/plugin.h>

#ifdef __cplusplus
#define BOTH_NULL nullptr
#else
#define BOTH_NULL NULL
#endif

int main(void)
{
    harborai_error error = HARBORAI_ERROR_INIT;
    harborai_client_options options = {sizeof(options), HARBORAI_LOG_WARN, "/no/such/file",
                                       {BOTH_NULL, 0}, BOTH_NULL, BOTH_NULL, 0, BOTH_NULL,
                                       BOTH_NULL, "both"};
    harborai_handlers handlers = {sizeof(handlers), BOTH_NULL, BOTH_NULL, BOTH_NULL};
    harborai_call_options call = {sizeof(call), 0, 1000, "openai", "{}", BOTH_NULL, BOTH_NULL};
    harborai_client *client = harborai_client_open(&options, &error);
    harborai_call_id id = harborai_chat_start_with(client, HARBORAI_STR("{}"), &handlers, &call,
                                                   &error);
    harborai_price price;
    memset(&price, 0, sizeof(price));
    price.size = sizeof(price);
    return id == 0 && error.code != HARBORAI_OK && harborai_version()[0] != '\0' ? 0 : 1;
}
