/* SPDX-License-Identifier: MIT */
/* Whatever stands in a compressed segment: what can be unpacked comes in one piece and in small ones
 * alike. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"
#include "store/frames.h"

enum { WHOLE = 1 << 16, PIECE = 37 };

static void read_all(struct frames *frames)
{
    static char whole[WHOLE], piece[PIECE];
    size_t len = 0, got;
    if (frames_read(frames, 0, whole, WHOLE, &len, NULL) < 0)
        return;
    MUST(len == (frames_size(frames) < WHOLE ? frames_size(frames) : WHOLE));
    for (size_t at = 0; at < len; at += PIECE) {
        size_t want = len - at < PIECE ? len - at : PIECE;
        MUST(frames_read(frames, at, piece, want, &got, NULL) == HARBORAI_OK);
        MUST(got == want && memcmp(piece, whole + at, want) == 0);
    }
    MUST(frames_read(frames, frames_size(frames), piece, 1, &got, NULL) == HARBORAI_OK && got == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct frames *frames;
    int fd = memfd_create("frames", MFD_CLOEXEC);
    MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
    if (frames_open(fd, &frames, NULL) == HARBORAI_OK) {
        read_all(frames);
        frames_close(frames);
    }
    close(fd);
    return 0;
}
