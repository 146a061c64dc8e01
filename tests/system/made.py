# SPDX-License-Identifier: MIT
"""Plugins made by the tests: one good one of the engine lane, and its faulty sisters."""
import os
import subprocess

import support

SOURCE = r"""
#include <harborai/plugin.h>
@NOTE@
static harborai_status create(const harborai_host *host, harborai_str config,
                              harborai_provider **provider, harborai_error *error)
{
    static char anchor;
    (void)host; (void)config; (void)error;
    *provider = (harborai_provider *)&anchor;
    @CREATE@
}
static void destroy(harborai_provider *provider) { (void)provider; }
static harborai_status chat(harborai_provider *provider, harborai_call *call,
                            const harborai_request *request, harborai_error *error)
{
    (void)provider; (void)request; (void)error;
    harborai_emit_text(call, HARBORAI_DELTA_TEXT, HARBORAI_STR("made on the spot"));
    return harborai_finish(call, HARBORAI_FINISH_STOP, NULL);
}
static const harborai_plugin plugin = {
    .size = sizeof plugin, .abi_major = HARBORAI_ABI_MAJOR, .abi_minor = HARBORAI_ABI_MINOR,
    .id = "@TABLE_ID@", .version = "1.0.0", .create = create, .destroy = destroy, .chat = chat };
HARBORAI_EXPORT const void *harborai_plugin_query(uint32_t abi_major)
{
    return abi_major == HARBORAI_ABI_MAJOR ? &plugin : NULL;
}
"""

MANIFEST = ('{"id":"%(id)s","version":"1.0.0","provider":"%(name)s",'
            '"models":[{"name":"%(model)s","context":1000}]}')


def build(place, name, model=None, note=None, create="return HARBORAI_OK;", table_id=None,
          include=None):
    """Compiles NAME.so in `place`; `note` replaces the macro that writes the manifest."""
    plugin_id = "com.example." + name
    manifest = MANIFEST % {"id": plugin_id, "name": name, "model": model or name + "-model"}
    if note is None:
        note = f"HARBORAI_MANIFEST({manifest});"
    source = (SOURCE.replace("@NOTE@", note.replace("@MANIFEST@", c_string(manifest)))
              .replace("@CREATE@", create).replace("@TABLE_ID@", table_id or plugin_id))
    path = os.path.join(place, name + ".c")
    with open(path, "w", encoding="utf-8") as file:
        file.write(source)
    flags = include or ["-I" + os.path.join(support.ROOT, "plugin-sdk", "include")]
    target = os.path.join(place, name + ".so")
    subprocess.run(["cc", "-std=c11", "-shared", "-fPIC", *flags, path, "-o", target], check=True)
    os.chmod(target, 0o755)
    return target


def c_string(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
