/**
 * The C interface of idse: it loads, validates, conflict-checks and syncs the artifacts of IDSE projects.
 *
 * Generated; `IDSE_UPDATE=1 cargo test -p idse-capi --test header` writes it.
 *
 * Texts        Every text is UTF-8 and ends in NUL. A text that comes in may go as soon as the call returns.
 * Ownership    A handle from a function that fills an `out` or is called `_new` is yours: hand it to its `_free`,
 *              once. A `char *` is yours: hand it to `idse_string_free`. A `const char *` belongs to the handle it
 *              came from and goes with it. Every `_free` takes NULL and does nothing.
 * Failure      A function that can fail returns an `idse_status`, 0 where it did not. `out` is written always: NULL
 *              where the call failed. `error` may be NULL; else it is written always too, NULL where nothing
 *              failed. Findings, refusals and conflicts are answers, not failures.
 * NULL         A NULL where a value is needed is `IDSE_STATUS_INVALID_ARGUMENT`, or the empty answer (NULL, 0, false) of
 *              a function that cannot fail. No panic leaves the library: it becomes `IDSE_STATUS_INTERNAL`.
 * Threads      Every function may be called from every thread, and handles may be shared between threads: calls with
 *              one workspace or one context run side by side. Only `_free` must be the last use of its handle.
 *              No function may be called from a signal handler but `idse_context_cancel`, and none in the child
 *              of a `fork` before its `exec`.
 */

#ifndef IDSE_H
#define IDSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * How a call ended. The numbers are those of every door; new ones are added, and none is ever used again.
 */
typedef enum {
  /**
   * It was done.
   */
  IDSE_STATUS_OK = 0,
  /**
   * An argument is wrong. Correct the call; nothing was changed.
   */
  IDSE_STATUS_INVALID_ARGUMENT = 10,
  /**
   * What was named does not exist.
   */
  IDSE_STATUS_NOT_FOUND = 11,
  /**
   * The folder is no usable workspace.
   */
  IDSE_STATUS_INVALID_WORKSPACE = 12,
  /**
   * A configuration value cannot be used.
   */
  IDSE_STATUS_INVALID_CONFIG = 13,
  /**
   * What should be created is already there. Nothing was overwritten.
   */
  IDSE_STATUS_EXISTS = 14,
  /**
   * The local disk refused.
   */
  IDSE_STATUS_IO = 20,
  /**
   * Another process holds the workspace or the agency file. Try again.
   */
  IDSE_STATUS_LOCKED = 21,
  /**
   * The other side does not let this caller in, or is not trusted yet.
   */
  IDSE_STATUS_UNAUTHORIZED = 30,
  /**
   * The other side asks to slow down. Try again later.
   */
  IDSE_STATUS_RATE_LIMITED = 31,
  /**
   * The other side did not answer, and nothing was written. Try again.
   */
  IDSE_STATUS_UNAVAILABLE = 32,
  /**
   * The other side answered something that is not the protocol.
   */
  IDSE_STATUS_PROTOCOL = 33,
  /**
   * A write was sent and its reply was lost. The next sync verb finds out what happened.
   */
  IDSE_STATUS_UNSETTLED = 34,
  /**
   * The caller cancelled.
   */
  IDSE_STATUS_CANCELLED = 41,
  /**
   * A defect of the library.
   */
  IDSE_STATUS_INTERNAL = 90,
} idse_status;

/**
 * How much a finding matters in this project.
 */
typedef enum {
  /**
   * Good to know.
   */
  IDSE_SEVERITY_INFO = 1,
  /**
   * Should be mended.
   */
  IDSE_SEVERITY_WARNING = 2,
  /**
   * Must be mended before the stage is complete.
   */
  IDSE_SEVERITY_ERROR = 3,
} idse_severity;

/**
 * How a call goes about its work. Free it with `idse_context_free`; a call that runs with it goes on.
 */
typedef struct idse_context idse_context;

/**
 * What went wrong: the kind, one sentence, and what to do about it. Free it with `idse_error_free`.
 */
typedef struct idse_error idse_error;

/**
 * A JSON document. Free it with `idse_json_free`.
 */
typedef struct idse_json idse_json;

/**
 * How a session stands: the answer of the verb `status`. Free it with `idse_overview_free`.
 */
typedef struct idse_overview idse_overview;

/**
 * The findings of a validation. Free it with `idse_report_free`.
 */
typedef struct idse_report idse_report;

/**
 * A workspace: the folder that holds `.idse`. Free it with `idse_workspace_free`, when no call with it runs any more.
 */
typedef struct idse_workspace idse_workspace;

/**
 * One step of a verb that takes time. It is there during the callback only.
 */
typedef struct {
  /**
   * What is being done, as two or three words.
   */
  const char *doing;
  /**
   * On what: a session or a stage.
   */
  const char *what;
  /**
   * How many are done.
   */
  uint64_t done;
  /**
   * How many there are; 0 where that is not known.
   */
  uint64_t total;
} idse_progress;

/**
 * Is told every step, on the thread that does it, which need not be the one that called; several may tell at once.
 * It must return at once, and must not call a verb.
 */
typedef void (*idse_progress_fn)(const idse_progress *progress, void *user);

/**
 * One stage of a session. Its texts belong to the overview.
 */
typedef struct {
  /**
   * The stage, such as `spec`.
   */
  const char *stage;
  /**
   * Its status: `pending`, `in_progress` or `complete`.
   */
  const char *status;
  /**
   * How its text stands to what was last seen of the agency, such as `in_sync`; NULL where there was never a sync.
   */
  const char *sync;
  /**
   * The kind of its open conflict, such as `both_changed`; NULL where there is none.
   */
  const char *conflict;
  /**
   * How many errors its artifact has.
   */
  uint32_t errors;
  /**
   * How many warnings.
   */
  uint32_t warnings;
  /**
   * A push would send it.
   */
  bool push;
  /**
   * A pull would write it, as far as was last seen.
   */
  bool pull;
} idse_stage_line;

/**
 * One finding. Its texts belong to the report.
 */
typedef struct {
  /**
   * The permanent code, such as `IDSE101`.
   */
  const char *code;
  /**
   * The rule's name, such as `requires-input`.
   */
  const char *name;
  /**
   * What is wrong.
   */
  const char *message;
  /**
   * What to do.
   */
  const char *help;
  /**
   * The file.
   */
  const char *path;
  /**
   * How much it matters.
   */
  idse_severity severity;
  /**
   * The line of the first character, from 1; 0: the finding is about the file as a whole.
   */
  uint32_t line;
  /**
   * Its column, from 1, in Unicode scalar values.
   */
  uint32_t column;
  /**
   * The line behind the last character.
   */
  uint32_t end_line;
  /**
   * The column behind the last character.
   */
  uint32_t end_column;
  /**
   * The first byte of the text, from 0.
   */
  uint32_t offset;
  /**
   * Behind the last byte.
   */
  uint32_t end_offset;
} idse_diagnostic;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Runs a verb and gives its document.
 *
 * `verb` is its name, such as `push`; `idse-core/docs/verbs.md` lists them with their arguments. `arguments` is one JSON object, or
 * NULL for none. `workspace` is where it works, or NULL: then the arguments `root` and `start` say it, else the
 * current folder. `context` may be NULL.
 */
idse_status idse_call(const idse_workspace *workspace,
                      const idse_context *context,
                      const char *verb,
                      const char *arguments,
                      idse_json **out,
                      idse_error **error);

/**
 * Merges what two sides made of a text. `out` is the merged text, or the text with conflict markers where `*clean`
 * is false.
 */
idse_status idse_merge_text(const char *base,
                            const char *local,
                            const char *remote,
                            bool *clean,
                            char **out,
                            idse_error **error);

/**
 * Makes a context with the environment of this process. NULL only where the library has a defect.
 */
idse_context *idse_context_new(void);

/**
 * Frees a context; NULL is nothing.
 */
void idse_context_free(idse_context *context);

/**
 * Asks every call with this context to stop at its next safe point: it ends with `IDSE_STATUS_CANCELLED`, or with
 * `IDSE_STATUS_UNSETTLED` where a write was on its way. The context stays cancelled; make a new one to go on. May be
 * called from every thread and from a signal handler.
 */
void idse_context_cancel(const idse_context *context);

/**
 * Sets how long each call may wait for locks and servers; 0 is as long as the configuration says.
 */
void idse_context_set_timeout(const idse_context *context, uint64_t milliseconds);

/**
 * Sets who is told what is going on; NULL is nobody. `user` is handed back with every step.
 */
void idse_context_set_progress(const idse_context *context,
                               idse_progress_fn callback,
                               void *user);

/**
 * Sets an environment variable for the calls with this context, and only for them; a NULL `value` takes it away.
 */
idse_status idse_context_set_env(const idse_context *context,
                                 const char *name,
                                 const char *value,
                                 idse_error **error);

/**
 * Returns the status of an error; `IDSE_STATUS_OK` for NULL.
 */
idse_status idse_error_status(const idse_error *error);

/**
 * Returns the name of the kind, such as `NotFound`.
 */
const char *idse_error_kind(const idse_error *error);

/**
 * Returns the stable word that refines the kind, or the empty text.
 */
const char *idse_error_reason(const idse_error *error);

/**
 * Returns what happened, in one sentence.
 */
const char *idse_error_message(const idse_error *error);

/**
 * Returns what a person can do about it; NULL where the message says it all.
 */
const char *idse_error_hint(const idse_error *error);

/**
 * Returns a fact by its key, such as `path`, `stage` or `argument`; NULL where the error has none.
 */
const char *idse_error_get(const idse_error *error, const char *key);

/**
 * Returns the error as the JSON document that `idse --json` prints for it.
 */
const char *idse_error_json(const idse_error *error);

/**
 * Frees an error; NULL is nothing.
 */
void idse_error_free(idse_error *error);

/**
 * Reads a document from a text.
 */
idse_status idse_json_parse(const char *text, idse_json **out, idse_error **error);

/**
 * Returns what stands at a place of a document: the characters of a text, everything else as JSON; NULL where
 * nothing or null stands. `at` is a JSON pointer (RFC 6901) such as `/stages/0/status`; NULL or the empty text is the whole.
 */
char *idse_json_text(const idse_json *json,
                     const char *at);

/**
 * Returns a whole number of a document; -1 where none stands.
 */
int64_t idse_json_number(const idse_json *json, const char *at);

/**
 * Tells whether `true` stands at a place of a document.
 */
bool idse_json_is_true(const idse_json *json, const char *at);

/**
 * Returns how many entries the list or the object at a place of a document has; 0 where neither stands.
 */
size_t idse_json_length(const idse_json *json, const char *at);

/**
 * Returns the name of an entry of the object at a place of a document, in order; NULL where there is none.
 */
char *idse_json_key(const idse_json *json, const char *at, size_t index);

/**
 * Returns a text as JSON, in quotation marks and escaped: what arguments are put together from. NULL for NULL and
 * for what is not UTF-8.
 */
char *idse_json_quote(const char *text);

/**
 * Frees a document; NULL is nothing.
 */
void idse_json_free(idse_json *json);

/**
 * Says how a session stands, from the disk alone. NULL for `project` and `session` are the current ones; `context`
 * may be NULL, and so may `workspace`: then it is the one that the current folder lies in.
 */
idse_status idse_workspace_status(const idse_workspace *workspace,
                                  const idse_context *context,
                                  const char *project,
                                  const char *session,
                                  idse_overview **out,
                                  idse_error **error);

/**
 * Fills in one stage, in the order of the pipeline; false where there is none at `index`.
 */
bool idse_overview_stage(const idse_overview *overview, size_t index, idse_stage_line *out);

/**
 * Returns the stage to work on next; NULL where all are complete.
 */
const char *idse_overview_next(const idse_overview *overview);

/**
 * Tells whether a push whose reply was lost waits for the next sync verb.
 */
bool idse_overview_is_unsettled(const idse_overview *overview);

/**
 * Returns the overview as the JSON document of `status`.
 */
char *idse_overview_json(const idse_overview *overview);

/**
 * Frees an overview; NULL is nothing.
 */
void idse_overview_free(idse_overview *overview);

/**
 * Checks a text as the artifact of a stage, before it is saved, with the settings of `workspace`; NULL is with those of
 * the current folder. `context` may be NULL.
 */
idse_status idse_validate_text(const idse_workspace *workspace,
                               const idse_context *context,
                               const char *stage,
                               const char *text,
                               idse_report **out,
                               idse_error **error);

/**
 * Checks the artifact of a stage as it is on the disk; NULL for `stage` is all of them. NULL for `project` and `session`
 * are the current ones; `context` may be NULL, and so may `workspace`: then it is the one that the current folder lies in.
 */
idse_status idse_validate(const idse_workspace *workspace,
                          const idse_context *context,
                          const char *project,
                          const char *session,
                          const char *stage,
                          idse_report **out,
                          idse_error **error);

/**
 * Returns how many findings there are.
 */
size_t idse_report_length(const idse_report *report);

/**
 * Returns how many findings are errors.
 */
size_t idse_report_error_count(const idse_report *report);

/**
 * Fills in one finding; false where there is none at `index`.
 */
bool idse_report_at(const idse_report *report, size_t index, idse_diagnostic *out);

/**
 * Returns the report as the JSON document of `validate`.
 */
char *idse_report_json(const idse_report *report);

/**
 * Frees a report; NULL is nothing.
 */
void idse_report_free(idse_report *report);

/**
 * Returns the name of a status, such as `NotFound`; `Ok` for 0, NULL for a number that is none. It is never freed.
 */
const char *idse_status_name(int32_t status);

/**
 * Tells whether the same call may succeed later without a change by the caller.
 */
bool idse_status_is_temporary(int32_t status);

/**
 * Returns the exit code of the `idse` program for a status: 0 for `IDSE_STATUS_OK`, 70 for a number that is none.
 */
int32_t idse_status_exit_code(int32_t status);

/**
 * Frees a text that this library gave; NULL is nothing.
 */
void idse_string_free(char *text);

/**
 * Returns the version of the library, such as `0.1.0`. It is never freed.
 */
const char *idse_version(void);

/**
 * Returns the number of this interface: raised when something in this header goes or changes its meaning.
 */
uint32_t idse_abi_version(void);

/**
 * Opens the workspace in the folder `root`.
 */
idse_status idse_workspace_open(const char *root, idse_workspace **out, idse_error **error);

/**
 * Finds the workspace that the folder `start` lies in; NULL is the current folder.
 */
idse_status idse_workspace_discover(const char *start, idse_workspace **out, idse_error **error);

/**
 * Returns the folder of a workspace, absolute.
 */
const char *idse_workspace_root(const idse_workspace *workspace);

/**
 * Asks the calls that run in a workspace now to stop at their next safe point, and no later ones. A context that
 * such a call runs with is cancelled. May be called from every thread, but not from a signal handler.
 */
void idse_workspace_interrupt(const idse_workspace *workspace);

/**
 * Frees a workspace; NULL is nothing.
 */
void idse_workspace_free(idse_workspace *workspace);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* IDSE_H */
