// SPDX-License-Identifier: MIT
// throws: functions of a plugin in C++ that let an exception out. Nobody above catches it.
#include <stdexcept>

#include <harborai/plugin.h>

HARBORAI_MANIFEST({
    "id": "test.throws",
    "version": "1.0.0",
    "provider": "throws",
    "models": [ { "name": "t-good" }, { "name": "t-chat" } ]
});

namespace {

harborai_status create(const harborai_host *host, harborai_str, harborai_provider **provider,
                       harborai_error *)
{
    static char anchor;
    if (harborai_str_equal(host->config(host, "/create"), "throw"))
        throw std::runtime_error("thrown in create()");
    *provider = reinterpret_cast<harborai_provider *>(&anchor);
    return HARBORAI_OK;
}

void destroy(harborai_provider *)
{
}

harborai_status chat(harborai_provider *, harborai_call *call, const harborai_request *request,
                     harborai_error *)
{
    if (harborai_str_equal(request->model, "t-chat"))
        throw std::runtime_error("thrown in chat()");
    harborai_emit_text(call, HARBORAI_DELTA_TEXT, HARBORAI_STR("caught nothing"));
    return harborai_finish(call, HARBORAI_FINISH_STOP, nullptr);
}

harborai_plugin make_table()
{
    harborai_plugin table = {};
    table.size = sizeof table;
    table.abi_major = HARBORAI_ABI_MAJOR;
    table.abi_minor = HARBORAI_ABI_MINOR;
    table.id = "test.throws";
    table.version = "1.0.0";
    table.create = create;
    table.destroy = destroy;
    table.chat = chat;
    return table;
}

} // namespace

extern "C" HARBORAI_EXPORT const void *harborai_plugin_query(uint32_t abi_major)
{
    static const harborai_plugin table = make_table();
    return abi_major == HARBORAI_ABI_MAJOR ? &table : nullptr;
}
