/* What the walk needs beside the interface: files, and memory that goes at the end. */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <dirent.h>
#include <idse.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *work;
static void **kept;
static size_t kept_count;
static idse_json **read_documents;
static size_t read_count;

/* Keeps memory until the end of the case. */
static char *keep(char *memory)
{
    kept = (void **)realloc(kept, (kept_count + 1) * sizeof *kept);
    kept[kept_count++] = memory;
    return memory;
}

static void release(void)
{
    while (kept_count)
        free(kept[--kept_count]);
    while (read_count)
        idse_json_free(read_documents[--read_count]);
    free(kept);
    free(read_documents);
    kept = NULL;
    read_documents = NULL;
}

/* Takes a text of the library over; NULL stays NULL. */
static char *take(char *text)
{
    char *copy = text ? keep(strdup(text)) : NULL;
    idse_string_free(text);
    return copy;
}

static char *format(const char *pattern, ...)
{
    va_list arguments, again;
    va_start(arguments, pattern);
    va_copy(again, arguments);
    size_t size = (size_t)vsnprintf(NULL, 0, pattern, arguments) + 1;
    char *text = keep((char *)malloc(size));
    vsnprintf(text, size, pattern, again);
    va_end(again);
    va_end(arguments);
    return text;
}

static idse_json *keep_document(idse_json *json)
{
    read_documents = (idse_json **)realloc(read_documents, (read_count + 1) * sizeof *read_documents);
    return read_documents[read_count++] = json;
}

static idse_json *document(const char *text)
{
    idse_json *json = NULL;
    idse_error *error = NULL;
    if (idse_json_parse(text, &json, &error) != IDSE_STATUS_OK) {
        fprintf(stderr, "%s in %s\n", idse_error_message(error), text);
        exit(2);
    }
    return keep_document(json);
}

static char *text_at(const idse_json *json, const char *at) { return take(idse_json_text(json, at)); }

/* Reads a file as a text; NULL where there is none. */
static char *slurp(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return NULL;
    struct stat about;
    fstat(fileno(file), &about);
    char *text = keep((char *)calloc((size_t)about.st_size + 1, 1));
    size_t got = fread(text, 1, (size_t)about.st_size, file);
    fclose(file);
    text[got] = 0;
    return text;
}

/* Writes a text into a file, with its folders. */
static void spill(const char *path, const char *text)
{
    char *folder = format("%s", path);
    for (char *slash = strchr(folder + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        mkdir(folder, 0777);
        *slash = '/';
    }
    FILE *file = fopen(path, "wb");
    if (!file || fputs(text, file) < 0 || fclose(file) != 0) {
        perror(path);
        exit(2);
    }
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

/* Calls `visit` with each entry of a folder, in order; what a case kept goes after it. */
static void each(char *folder, void (*visit)(const char *, const char *))
{
    char path[4096], *names[1024];
    size_t count = 0;
    snprintf(path, sizeof path, "%s", folder);
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir && (entry = readdir(dir));)
        if (entry->d_name[0] != '.' && count < 1024)
            names[count++] = strdup(entry->d_name);
    closedir(dir);
    qsort(names, count, sizeof *names, by_name);
    for (size_t i = 0; i < count; i++) {
        visit(path, names[i]);
        release();
        free(names[i]);
    }
}

/* Applies the `replace` of a case to a text. */
static char *replaced(const idse_json *header, char *text)
{
    for (size_t i = 0; i < idse_json_length(header, "/replace"); i++) {
        char *from = text_at(header, format("/replace/%zu/0", i)), *to = text_at(header, format("/replace/%zu/1", i));
        int64_t times = idse_json_number(header, format("/replace/%zu/2", i));
        size_t size = strlen(from), each = strlen(to), count = times < 1 ? 1 : (size_t)times;
        char *result = keep((char *)calloc(strlen(text) + 1 + strlen(text) / size * each * count, 1)), *end = result;
        for (char *hit; (hit = strstr(text, from)); text = hit + size) {
            memcpy(end, text, (size_t)(hit - text));
            end += hit - text;
            for (size_t n = 0; n < count; n++, end += each)
                memcpy(end, to, each);
        }
        strcpy(end, text);
        text = result;
    }
    return text;
}

#endif
