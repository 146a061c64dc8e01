/* SPDX-License-Identifier: MIT */
/* slow_create: create() takes its time: it waits for a byte on the descriptor that its configuration
 * names. */
#include <unistd.h>

#include "fault.h"

HARBORAI_MANIFEST({
    "id": "test.slow",
    "version": "1.0.0",
    "provider": "slow",
    "models": [ { "name": "slow-model" } ]
});

static harborai_status create(const harborai_host *host, harborai_str config,
                              harborai_provider **provider, harborai_error *error)
{
    harborai_str gate = host->config(host, "/gate");
    int fd = 0;
    char byte;
    for (size_t i = 0; i < gate.len; i++)
        fd = fd * 10 + (gate.data[i] - '0');
    if (gate.len == 0 || read(fd, &byte, 1) != 1)
        return harborai_error_set(error, HARBORAI_E_CONFIG, "no gate");
    return fault_create(host, config, provider, error);
}

static const harborai_plugin table = {
    FAULT_TABLE(sizeof(harborai_plugin), "test.slow", "1.0.0", create, fault_chat),
};

const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &table : NULL;
}
