/* Copies a file to $SYNCED_SHADOW whenever it is synced: what is there is what a power loss leaves. A file that was
 * removed leaves the shadows once its directory is synced.
 *
 * The copy is made after the real sync and before the caller goes on, and takes its place in one step. A file that
 * was not synced since it was written stays as it was at the last sync, or is not there at all. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int copied(int from, const char *to)
{
    static char block[1 << 20];
    off_t at = 0;
    ssize_t length;
    int file = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0)
        return -1;
    while ((length = pread(from, block, sizeof block, at)) > 0) {
        if (write(file, block, length) != length)
            length = -1;
        if (length < 0)
            break;
        at += length;
    }
    close(file);
    return length < 0 ? -1 : 0;
}

static void removed(const char *folder, int directory)
{
    char whole[PATH_MAX];
    struct dirent *entry;
    DIR *shadows = opendir(folder);
    if (!shadows)
        abort();
    while ((entry = readdir(shadows))) {
        if (entry->d_name[0] == '.' || faccessat(directory, entry->d_name, F_OK, 0) == 0)
            continue;
        if (snprintf(whole, sizeof whole, "%s/%s", folder, entry->d_name) >= (int)sizeof whole || unlink(whole) != 0)
            abort();
    }
    closedir(shadows);
}

/* Only one thread of the store writes, so nothing is copied while it changes. */
static void shadow(int file)
{
    const char *folder = getenv("SYNCED_SHADOW");
    char link[64], path[PATH_MAX], part[PATH_MAX], whole[PATH_MAX];
    struct stat kind;
    ssize_t length;
    if (!folder || fstat(file, &kind) != 0)
        return;
    if (S_ISDIR(kind.st_mode))
        return removed(folder, file);
    if (!S_ISREG(kind.st_mode))
        return;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        return;
    path[length] = 0;
    if (snprintf(part, sizeof part, "%s/.part", folder) >= (int)sizeof part ||
        snprintf(whole, sizeof whole, "%s/%s", folder, strrchr(path, '/') + 1) >= (int)sizeof whole)
        abort();
    if (copied(file, part) != 0 || rename(part, whole) != 0)
        abort();
}

int fdatasync(int file)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    int done = real(file);
    if (done == 0)
        shadow(file);
    return done;
}

int fsync(int file)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    int done = real(file);
    if (done == 0)
        shadow(file);
    return done;
}
