/* SPDX-License-Identifier: MIT */
/* Runs a fuzz target over its corpus without a fuzzer: each file as it is, cut at every place, and
 * changed a few hundred times with a fixed seed. fuzz_NAME reads the folder corpus/NAME beside this
 * source, or the files that it is given. */
#include <dirent.h>
#include <string.h>

#include "fuzz.h"

enum { FILE_MAX = 1 << 20, CHANGES = 300, CUTS_MAX = 2000 };
static const uint64_t seed = UINT64_C(7);

static uint64_t random_next(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* On a copy without slack, so that AddressSanitizer sees each read beyond it. */
static void run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    MUST(copy != NULL);
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void change(uint8_t *data, size_t *size, uint64_t *state)
{
    static const char bytes[] = "\r\n \t\"\\{}[]:,/~-0198aefx\x7f\x80\xc3\xe6\xff";
    for (uint64_t n = 1 + random_next(state) % 4; n > 0 && *size > 1; n--) {
        size_t at = random_next(state) % *size, from = random_next(state) % *size;
        switch (random_next(state) % 4) {
        case 0:
            data[at] = (uint8_t)bytes[random_next(state) % sizeof bytes];
            break;
        case 1:
            data[at] ^= (uint8_t)(1u << random_next(state) % 8);
            break;
        case 2:
            memmove(data + at, data + at + 1, --*size - at);
            break;
        default: /* a piece of itself over another */
            memmove(data + at, data + from, *size - (at > from ? at : from));
            break;
        }
    }
}

static void run_file(const char *path)
{
    static uint8_t data[FILE_MAX], changed[FILE_MAX];
    uint64_t state = seed;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        perror(path);
        exit(1);
    }
    size_t size = fread(data, 1, sizeof data, file);
    fclose(file);
    run(data, size);
    for (size_t cut = 0; cut < size && cut < CUTS_MAX; cut++)
        run(data, cut);
    for (int i = 0; i < CHANGES; i++) {
        size_t len = size;
        memcpy(changed, data, size);
        change(changed, &len, &state);
        run(changed, len);
    }
}

static unsigned run_folder(const char *path)
{
    unsigned count = 0;
    DIR *folder = opendir(path);
    if (folder == NULL) {
        perror(path);
        exit(1);
    }
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        char name[4096 + 512];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        run_file(name);
        count++;
    }
    closedir(folder);
    return count;
}

int main(int argc, char **argv)
{
    const char *name = strrchr(argv[0], '/'), *source = getenv("srcdir");
    char path[4096];
    unsigned count = 0;
    name = name != NULL ? name + 1 : argv[0];
    if (strncmp(name, "lt-", 3) == 0)
        name += 3;
    if (strncmp(name, "fuzz_", 5) == 0)
        name += 5;
    for (int i = 1; i < argc; i++, count++)
        run_file(argv[i]);
    if (argc == 1) {
        snprintf(path, sizeof path, "%s/tests/fuzz/corpus/%s", source != NULL ? source : ".", name);
        count = run_folder(path);
    }
    printf("%s: %u files, seed %llu\n", name, count, (unsigned long long)seed);
    return count > 0 ? 0 : 1;
}
