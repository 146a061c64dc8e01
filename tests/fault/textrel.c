/* SPDX-License-Identifier: MIT */
/* textrel: an address in its code, so that the loader has to write there. */
__asm__(".text\n\t.balign 8\n\t.dc.a harborai_plugin_query\n");
typedef int no_empty_unit;
