/* SPDX-License-Identifier: MIT */
/* One table: number to name. A name never changes and is never given to another number. */
#include "record/usage_class.h"

#include <stddef.h>

#include <harborai/types.h>

const char *usage_class_name(int usage_class)
{
    static const char *const names[HARBORAI_USAGE_CLASSES] = {
        [HARBORAI_TOKENS_INPUT] = "input",
        [HARBORAI_TOKENS_CACHE_READ] = "cache_read",
        [HARBORAI_TOKENS_CACHE_WRITE] = "cache_write",
        [HARBORAI_TOKENS_CACHE_WRITE_1H] = "cache_write_1h",
        [HARBORAI_TOKENS_OUTPUT] = "output",
        [HARBORAI_TOKENS_REASONING] = "reasoning",
        [HARBORAI_TOKENS_AUDIO_IN] = "audio_in",
        [HARBORAI_TOKENS_AUDIO_OUT] = "audio_out",
        [HARBORAI_TOKENS_IMAGE_IN] = "image_in",
        [HARBORAI_TOKENS_IMAGE_OUT] = "image_out",
        [HARBORAI_TOKENS_VIDEO_IN] = "video_in",
        [HARBORAI_TOKENS_AUDIO_CACHE_READ] = "audio_cache_read",
        [HARBORAI_TOKENS_IMAGE_CACHE_READ] = "image_cache_read",
        [HARBORAI_TOKENS_CACHE_WRITE_30M] = "cache_write_30m",
        [HARBORAI_TOKENS_CACHE_WRITE_12H] = "cache_write_12h",
        [HARBORAI_TOKENS_PREDICTION_REJECTED] = "prediction_rejected",
        [HARBORAI_UNITS_SEARCHES] = "searches",
        [HARBORAI_UNITS_IMAGES] = "images",
        [HARBORAI_UNITS_AUDIO_MS] = "audio_ms",
        [HARBORAI_UNITS_VIDEO_MS] = "video_ms",
        [HARBORAI_UNITS_PAGES] = "pages",
    };
    return usage_class >= 0 && usage_class < HARBORAI_USAGE_CLASSES ? names[usage_class] : NULL;
}
