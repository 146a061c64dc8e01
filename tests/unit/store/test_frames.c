/* SPDX-License-Identifier: MIT */
#include "store/frames.h"

#include <fcntl.h>
#include <unistd.h>

#include "../unit.h"
#include "base/buf.h"
#include "scratch.h"
#include "store/frames_table.h"

extern const CU_TestInfo frames_tests[];

/* Text of `count` frames of different lengths, and its file's bytes. */
static void pack(unsigned count, struct buf *text, struct buf *file)
{
    struct frames_writer *writer;
    harborai_str packed;
    CU_ASSERT_FATAL(frames_writer_create(&writer, NULL) == HARBORAI_OK);
    for (unsigned i = 0; i < count; i++) {
        size_t begin = text->len;
        for (unsigned line = 0; line < 1 + i * i; line++)
            buf_printf(text, "{\"frame\":%u,\"line\":%u}\n", i, line);
        CU_ASSERT_FATAL(frames_writer_add(writer, slice_from(buf_slice(text), begin), &packed,
                                          NULL) == HARBORAI_OK);
        buf_add(file, packed);
    }
    CU_ASSERT_FATAL(frames_writer_end(writer, &packed, NULL) == HARBORAI_OK);
    buf_add(file, packed);
    frames_writer_destroy(writer);
}

static int write_file(const struct scratch *s, harborai_str bytes)
{
    int directory = scratch_journal(s);
    scratch_write(s, "x.zst", bytes);
    int fd = openat(directory, "x.zst", O_RDONLY | O_CLOEXEC);
    close(directory);
    return fd;
}

static void test_any_part(void)
{
    struct scratch s;
    struct frames *frames;
    AUTO(buf) text = BUF_INIT(MIB(4));
    AUTO(buf) file = BUF_INIT(MIB(4));
    char *got = malloc(MIB(4));
    size_t len;
    scratch_init(&s);
    pack(20, &text, &file);
    int fd = write_file(&s, buf_slice(&file));
    CU_ASSERT_FATAL(frames_open(fd, &frames, NULL) == HARBORAI_OK);
    CU_ASSERT(frames_size(frames) == text.len && file.len < text.len / 3);
    for (size_t at = 0; at <= text.len + 10; at += 509) {
        size_t left = at < text.len ? text.len - at : 0;
        for (size_t want = 0; want < text.len; want = 3 * want + 1) {
            CU_ASSERT_FATAL(frames_read(frames, at, got, want, &len, NULL) == HARBORAI_OK);
            CU_ASSERT(len == (want < left ? want : left) &&
                      (len == 0 || memcmp(got, text.data + at, len) == 0));
        }
    }
    frames_close(frames);
    close(fd);
    free(got);
    scratch_release(&s);
}

static void test_no_frame(void)
{
    struct scratch s;
    struct frames *frames;
    AUTO(buf) text = BUF_INIT(MIB(4));
    AUTO(buf) file = BUF_INIT(MIB(4));
    char byte;
    size_t len;
    scratch_init(&s);
    pack(0, &text, &file);
    int fd = write_file(&s, buf_slice(&file));
    CU_ASSERT_FATAL(frames_open(fd, &frames, NULL) == HARBORAI_OK);
    CU_ASSERT(frames_size(frames) == 0);
    CU_ASSERT(frames_read(frames, 0, &byte, 1, &len, NULL) == HARBORAI_OK && len == 0);
    frames_close(frames);
    close(fd);
    scratch_release(&s);
}

/* A byte of the file is another: nothing is read that was not written. */
static void test_damaged(void)
{
    struct scratch s;
    AUTO(buf) text = BUF_INIT(MIB(4));
    AUTO(buf) file = BUF_INIT(MIB(4));
    static char got[KIB(64)];
    unsigned refused = 0, unread = 0;
    scratch_init(&s);
    pack(6, &text, &file);
    for (size_t i = 0; i < file.len; i++) {
        struct frames *frames;
        size_t len = 0;
        file.data[i] ^= 0x10;
        int fd = write_file(&s, buf_slice(&file));
        if (frames_open(fd, &frames, NULL) == HARBORAI_OK) {
            if (frames_read(frames, 0, got, sizeof got, &len, NULL) < 0)
                unread++;
            else
                CU_ASSERT(len == text.len && memcmp(got, text.data, len) == 0);
            frames_close(frames);
        } else {
            refused++;
        }
        close(fd);
        file.data[i] ^= 0x10;
    }
    CU_ASSERT(unread > 100 && refused > 50);
    scratch_release(&s);
}

static void test_refused(void)
{
    struct scratch s;
    struct frames *frames;
    AUTO(buf) text = BUF_INIT(MIB(4));
    AUTO(buf) file = BUF_INIT(MIB(4));
    scratch_init(&s);
    pack(3, &text, &file);
    for (size_t len = 0; len < file.len; len++) {
        int fd = write_file(&s, slice_cut(buf_slice(&file), len));
        CU_ASSERT(frames_open(fd, &frames, NULL) == HARBORAI_E_INVALID);
        close(fd);
    }
    /* A count that no file is long enough for. */
    frames_put32((unsigned char *)file.data + file.len - FRAMES_FOOT, UINT32_MAX);
    int fd = write_file(&s, buf_slice(&file));
    CU_ASSERT(frames_open(fd, &frames, NULL) == HARBORAI_E_INVALID);
    close(fd);
    scratch_release(&s);
}

const CU_TestInfo frames_tests[] = {{"any part", test_any_part},
                                    {"no frame", test_no_frame},
                                    {"damaged", test_damaged},
                                    {"refused", test_refused},
                                    CU_TEST_INFO_NULL};
