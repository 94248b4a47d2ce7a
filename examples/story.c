/* A session from its check to a settled conflict: story WORKSPACE ELSEWHERE AGENCY, with AGENCY as sqlite:PATH. */
#include <idse.h>
#include <stdio.h>
#include <stdlib.h>

/* Runs a verb in a workspace and returns its document; arguments come as a printf format of quoted texts. */
static idse_json *run(const idse_workspace *workspace, const char *verb, const char *format, const char *a, const char *b)
{
    char *first = idse_json_quote(a ? a : ""), *second = idse_json_quote(b ? b : "");
    static char arguments[4096];
    snprintf(arguments, sizeof arguments, format, first, second);
    idse_string_free(first);
    idse_string_free(second);
    idse_json *answer = NULL;
    idse_error *error = NULL;
    if (idse_call(workspace, NULL, verb, arguments, &answer, &error) != IDSE_STATUS_OK) {
        fprintf(stderr, "%s: %s\n", verb, idse_error_message(error));
        exit(idse_status_exit_code((int)idse_error_status(error)));
    }
    return answer;
}

/* Says what stands in a document, and lets it go. */
static void say(const char *what, idse_json *answer, const char *at)
{
    char *text = idse_json_text(answer, at);
    printf("%s: %s\n", what, text ? text : "nothing");
    idse_string_free(text);
    idse_json_free(answer);
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return 2;
    const char *agency = argv[3], *answer = "# Intent\n\nInvoices on paper, and on screen.\n";
    idse_workspace *here = NULL, *there = NULL;
    if (idse_workspace_open(argv[1], &here, NULL) != IDSE_STATUS_OK)
        return 2;
    say("errors", run(here, "validate", "{\"stages\": [\"intent\", \"spec\"]}", NULL, NULL), "/summary/errors");
    say("push", run(here, "push", "{\"remote\": %s}", agency, NULL), "/outcome");
    say("clone", run(NULL, "clone", "{\"root\": %s, \"remote\": %s, \"name\": \"customer-portal\"}", argv[2], agency), "/project");
    if (idse_workspace_open(argv[2], &there, NULL) != IDSE_STATUS_OK)
        return 2;

    const char *write = "{\"stage\": \"intent\", \"text\": %s}";
    say("change", run(here, "write", write, "# Intent\n\nInvoices on paper.\n", NULL), "/stage");
    say("push", run(here, "push", "{\"remote\": %s}", agency, NULL), "/outcome");
    say("change elsewhere", run(there, "write", write, "# Intent\n\nInvoices on screen.\n", NULL), "/stage");
    say("pull elsewhere", run(there, "pull", "{\"remote\": %s}", agency, NULL), "/outcome");
    say("resolve", run(there, "resolve", "{\"stage\": \"intent\", \"text\": %s, \"remote\": %s}", answer, agency), "/resolution");
    say("push elsewhere", run(there, "push", "{\"remote\": %s}", agency, NULL), "/outcome");
    say("pull", run(here, "pull", "{\"remote\": %s}", agency, NULL), "/outcome");
    idse_workspace_free(there);
    idse_workspace_free(here);
    return 0;
}
