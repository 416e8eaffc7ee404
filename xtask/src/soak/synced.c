/* Copies a file to $SYNCED_SHADOW whenever it is synced: what is there is what a power loss leaves. A file that was
 * removed leaves the shadows once its directory is synced.
 *
 * Threads write and sync beside one another, and a sync promises what was written before it began, whoever wrote it, and
 * nothing else. So the copy is made before the real sync, while nobody writes; and it takes its place, in one step, only
 * once that sync is done, while others may write again. So a shadow is the file as it was when the last sync that is
 * done began, to the byte: the least that a disk holds. What was written since is lost, all of it; a disk that keeps
 * some of that is not what is tried here.
 *
 * Syncs of one file come one behind the other, or an older copy could take the place of a newer one. Those of two files
 * do not wait for each other: whether one was done before the other is what a power loss asks. */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Held by whoever changes a file, and by whoever copies one. */
static pthread_mutex_t changing = PTHREAD_MUTEX_INITIALIZER;

/* Must not change the copy with a call that is watched below: that would wait for itself. */
static int copied(int from, const char *to)
{
    static char block[1 << 20];
    off_t at = 0;
    ssize_t length;
    int file = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0)
        return -1;
    pthread_mutex_lock(&changing);
    while ((length = pread(from, block, sizeof block, at)) > 0) {
        if (write(file, block, length) != length)
            length = -1;
        if (length < 0)
            break;
        at += length;
    }
    pthread_mutex_unlock(&changing);
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

static void named(char *path, const char *folder, const char *before, const char *name, const char *after)
{
    if (snprintf(path, PATH_MAX, "%s/%s%s%s", folder, before, name, after) >= PATH_MAX)
        abort();
}

static int synced(const char *call, int file)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, call);
    const char *folder = getenv("SYNCED_SHADOW");
    char link[64], path[PATH_MAX], turn[PATH_MAX], part[PATH_MAX], whole[PATH_MAX];
    struct stat kind;
    ssize_t length;
    int done, held;
    if (!folder || fstat(file, &kind) != 0 || !(S_ISDIR(kind.st_mode) || S_ISREG(kind.st_mode)))
        return real(file);
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    length = readlink(link, path, sizeof path - 1);
    if (length <= 0)
        abort();
    path[length] = 0;
    const char *name = strrchr(path, '/') + 1;
    named(turn, folder, ".", name, ".turn");
    named(part, folder, ".", name, ".part");
    named(whole, folder, "", name, "");
    held = open(turn, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (held < 0 || flock(held, LOCK_EX) != 0)
        abort();
    if (S_ISREG(kind.st_mode) && copied(file, part) != 0)
        abort();
    done = real(file);
    if (done == 0 && S_ISDIR(kind.st_mode))
        removed(folder, file);
    if (done == 0 && S_ISREG(kind.st_mode) && rename(part, whole) != 0)
        abort();
    close(held);
    return done;
}

int fdatasync(int file)
{
    return synced("fdatasync", file);
}

int fsync(int file)
{
    return synced("fsync", file);
}

/* SQLite changes what it syncs with these calls and no others. */
ssize_t pwrite64(int file, const void *bytes, size_t length, off64_t at)
{
    ssize_t (*real)(int, const void *, size_t, off64_t) =
        (ssize_t(*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    pthread_mutex_lock(&changing);
    ssize_t done = real(file, bytes, length, at);
    pthread_mutex_unlock(&changing);
    return done;
}

ssize_t pwrite(int file, const void *bytes, size_t length, off_t at)
{
    return pwrite64(file, bytes, length, at);
}

int ftruncate64(int file, off64_t length)
{
    int (*real)(int, off64_t) = (int (*)(int, off64_t))dlsym(RTLD_NEXT, "ftruncate64");
    pthread_mutex_lock(&changing);
    int done = real(file, length);
    pthread_mutex_unlock(&changing);
    return done;
}

int ftruncate(int file, off_t length)
{
    return ftruncate64(file, length);
}
