/* What the C door costs: probe WORKSPACE CALLS. Says each fastest call in milliseconds. */
#define _POSIX_C_SOURCE 200809L
#include <idse.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* Validates the current session, and returns whether all of its artifacts were looked at. */
static bool validate(const idse_workspace *workspace)
{
    idse_json *report = NULL;
    bool is_whole = idse_call(workspace, NULL, "validate", NULL, &report, NULL) == IDSE_STATUS_OK &&
                    idse_json_number(report, "/summary/artifacts") == 7;
    idse_json_free(report);
    return is_whole;
}

static bool version(const idse_workspace *workspace)
{
    (void)workspace;
    idse_json *answer = NULL;
    bool is_done = idse_call(NULL, NULL, "version", NULL, &answer, NULL) == IDSE_STATUS_OK;
    idse_json_free(answer);
    return is_done;
}

static void measure(const char *name, bool (*work)(const idse_workspace *), const idse_workspace *workspace, int calls)
{
    double best = 1e9;
    for (int i = 0; i < calls; i++) {
        double start = now();
        if (!work(workspace))
            exit(1);
        double took = now() - start;
        best = took < best ? took : best;
    }
    printf("%s %.4f\n", name, best);
}

int main(int argc, char **argv)
{
    idse_workspace *workspace = NULL;
    if (argc != 3 || idse_workspace_open(argv[1], &workspace, NULL) != IDSE_STATUS_OK)
        return 2;
    measure("validate", validate, workspace, atoi(argv[2]));
    measure("version", version, workspace, atoi(argv[2]));
    idse_workspace_free(workspace);
    return 0;
}
