/** The engine of Intent-Driven Systems Engineering: loads, validates, conflict-checks and syncs its artifacts. */

// The words of the documents

export type Stage = 'intent' | 'context' | 'spec' | 'plan' | 'tasks' | 'implementation' | 'feedback';
export type StageStatus = 'pending' | 'in_progress' | 'complete';
export type Severity = 'error' | 'warning' | 'info';
/** A list that later versions may add to: treat a word that you do not know as "something else". */
type Growing<T extends string> = T | (string & {});
export type SyncClass = Growing<
  | 'in_sync' | 'local_change' | 'remote_change' | 'same_change' | 'both_changed' | 'deleted_here' | 'delete_edit'
  | 'cleared_there' | 'edit_clear' | 'both_gone' | 'new_here' | 'new_there' | 'adopt' | 'both_added' | 'unmapped'
  | 'blocked' | 'suspicious'
>;
export type Action = Growing<
  | 'none' | 'send' | 'send_null' | 'write' | 'merge' | 'remove' | 'record' | 'status' | 'leave' | 'conflict' | 'refuse'
>;
export type ConflictKind = Growing<
  'both_changed' | 'both_added' | 'delete_edit' | 'edit_clear' | 'status' | 'unsettled'
>;
export type Guard = Growing<'row_version' | 'updated_at' | 'none'>;
export type SyncVerb = Growing<'push' | 'pull' | 'clone' | 'resolve' | 'undo' | 'settle'>;
export type Outcome = 'done' | 'up_to_date' | 'refused' | 'conflict';
export type ErrorKind = Growing<
  | 'InvalidArgument' | 'NotFound' | 'InvalidWorkspace' | 'InvalidConfig' | 'Exists' | 'Io' | 'Locked' | 'Unauthorized'
  | 'RateLimited' | 'Unavailable' | 'Protocol' | 'Unsettled' | 'Cancelled' | 'Internal'
>;

// Errors

/** What the engine could not do. Findings and conflicts are no errors: they are in the reports. */
export class IdseError extends Error {
  private constructor();
  /** The kind, by its name: decide by it. */
  readonly code: ErrorKind;
  /** The number of the kind, the same in every language. */
  readonly number: number;
  /** A stable word that is finer than the kind; empty: the kind says it all. */
  readonly reason: string;
  /** What a person can do about it. */
  readonly hint: string | null;
  /** Trying again may help. */
  readonly temporary: boolean;
  /** The exit code of the command line for it. */
  readonly exit: number;
  /** What it is about, by stable keys: `path`, `project`, `session`, `stage`, `argument`, `origin`, … */
  readonly details: Readonly<Record<string, string>>;
  toJSON(): Readonly<Record<string, unknown>>;
}

// The documents: plain frozen objects, safe to send to a worker or to write as JSON

export interface Document<K extends string> {
  readonly schema: 1;
  readonly kind: K;
}
/** As editors count: both from 0, in UTF-16 code units. */
export interface Utf16Position {
  readonly line: number;
  readonly character: number;
}
export interface Position {
  /** From 1. */
  readonly line: number;
  /** From 1, in Unicode scalar values. */
  readonly column: number;
  /** From 0, in bytes of the file as it is on disk. */
  readonly offset: number;
  /** Present where UTF-16 was asked for (always after `validateText`) and the text could be had. */
  readonly utf16?: Utf16Position;
}
export interface Span {
  readonly start: Position;
  /** Behind the last character. */
  readonly end: Position;
}
export interface Edit {
  /** The first byte. */
  readonly start: number;
  /** Behind the last byte. */
  readonly end: number;
  readonly replacement: string;
  /** The same place in UTF-16; present as with `Position.utf16`. */
  readonly range?: { readonly start: Utf16Position; readonly end: Utf16Position };
}
export interface Fix {
  readonly title: string;
  readonly edits: readonly Edit[];
}
export interface Diagnostic {
  readonly code: string;
  readonly name: string;
  readonly severity: Severity;
  readonly message: string;
  readonly help: string;
  /** Relative to the workspace, with forward slashes. */
  readonly path: string;
  readonly project: string | null;
  readonly session: string | null;
  readonly stage: Stage | null;
  readonly span: Span | null;
  readonly fix: Fix | null;
}
export interface ValidationReport extends Document<'validation-report'> {
  readonly summary: {
    readonly errors: number;
    readonly warnings: number;
    readonly infos: number;
    readonly sessions: number;
    readonly artifacts: number;
    readonly baselined: number;
    readonly suppressed: number;
  };
  readonly diagnostics: readonly Diagnostic[];
}
export interface FixReport extends Document<'fix-report'> {
  readonly files: readonly { readonly path: string; readonly fixes: number }[];
  readonly dry_run: boolean;
}
export interface WorkspaceDocument extends Document<'workspace'> {
  readonly root: string;
  readonly project: string | null;
  readonly session: string | null;
}
export interface Projects extends Document<'projects'> {
  readonly projects: readonly string[];
  readonly skipped: readonly string[];
}
export interface SessionSummary {
  readonly session: string;
  readonly session_type: 'blueprint' | 'feature' | 'exploratory';
  readonly parent: string | null;
  readonly status: string;
  readonly created_at: string | null;
  readonly owner: string | null;
  readonly current: boolean;
  readonly legacy: boolean;
}
export interface Sessions extends Document<'sessions'> {
  readonly project: string;
  readonly sessions: readonly SessionSummary[];
  readonly skipped: readonly string[];
}
export interface InitReport extends Document<'init-report'> {
  readonly project: string;
  readonly session: string;
  readonly created: readonly string[];
  readonly kept: readonly string[];
  readonly dry_run: boolean;
}
export interface SessionSwitch extends Document<'session-switch'> {
  readonly project: string;
  readonly session: string;
}
export interface Artifact {
  readonly stage: Stage;
  readonly path: string;
  readonly status: StageStatus;
  readonly text: string | null;
  readonly digest: string | null;
  readonly object: string | null;
  readonly blocked: { readonly reason: string; readonly message: string } | null;
}
export interface Session extends Document<'session'> {
  readonly project: string;
  readonly session: string;
  readonly path: string;
  readonly artifacts: readonly Artifact[];
  readonly last_agent: string | null;
  readonly last_synced: string | null;
  readonly metadata: Readonly<Record<string, unknown>> | null;
  readonly unknown: readonly string[];
  readonly problems: readonly {
    readonly file: 'state' | 'metadata' | 'pointer';
    readonly path: string;
    readonly message: string;
    readonly line: number | null;
    readonly column: number | null;
  }[];
  readonly open_conflicts: readonly Stage[];
}
export interface WriteReport extends Document<'write-report'> {
  readonly project: string;
  readonly session: string;
  readonly stage: Stage;
  readonly digest: string;
  readonly object: string;
}
export interface StageChange extends Document<'stage-change'> {
  readonly project: string;
  readonly session: string;
  readonly stage: Stage;
  readonly before: StageStatus;
  readonly after: StageStatus;
  readonly last_agent: string | null;
}
export interface RemoteInfo {
  readonly key: string;
  readonly address: string;
  readonly guard: Guard;
  readonly sessions: 'one' | 'many';
}
export interface StageLine {
  readonly stage: Stage;
  readonly status: StageStatus;
  readonly errors: number;
  readonly warnings: number;
  readonly sync: SyncClass | null;
  readonly conflict: ConflictKind | null;
  readonly push: boolean;
  readonly pull: boolean;
}
export interface StatusFields {
  readonly project: string;
  readonly session: string;
  readonly current: boolean;
  readonly project_id: string | null;
  readonly remote: RemoteInfo;
  readonly checked: boolean;
  readonly last_synced: string | null;
  readonly last_agent: string | null;
  readonly stages: readonly StageLine[];
  readonly next: Stage | null;
  readonly unsettled: boolean;
  readonly notes: readonly string[];
}
export interface Status extends Document<'status'>, StatusFields {}
export interface Failure {
  readonly project: string;
  readonly session: string;
  readonly error: {
    readonly kind: ErrorKind;
    readonly code: number;
    readonly reason: string;
    readonly message: string;
    readonly hint: string | null;
    readonly temporary: boolean;
    readonly exit: number;
    readonly context: Readonly<Record<string, string>>;
  };
}
/** What `all` answers with: a report for each session, and the sessions that could not be done. */
export interface Many<T> {
  readonly reports: readonly T[];
  readonly skipped: readonly string[];
  readonly errors: readonly Failure[];
}
export interface Statuses extends Document<'statuses'>, Many<StatusFields> {}
export interface Step {
  readonly stage: Stage;
  readonly class: SyncClass;
  readonly action: Action;
  readonly message: string | null;
  readonly local: string | null;
  readonly base: string | null;
  readonly remote: string | null;
}
export interface Conflict {
  readonly stage: Stage;
  readonly kind: ConflictKind;
  readonly places: number;
  /** The folder that holds its texts; null: no pull has opened it yet. */
  readonly path: string | null;
  readonly status: { readonly local: StageStatus; readonly remote: StageStatus } | null;
}
export interface SyncFields {
  readonly verb: SyncVerb;
  readonly project: string;
  readonly session: string;
  readonly project_id: string | null;
  readonly remote: RemoteInfo;
  readonly guard: Guard;
  readonly op: string | null;
  readonly dry_run: boolean;
  readonly created: boolean;
  readonly outcome: Outcome;
  readonly last_synced: string | null;
  readonly steps: readonly Step[];
  readonly conflicts: readonly Conflict[];
  readonly notes: readonly string[];
}
export interface SyncReport extends Document<'sync-report'>, SyncFields {}
export interface SyncReports extends Document<'sync-reports'>, Many<SyncFields> {}
export interface Plan extends Document<'plan'> {
  readonly verb: 'push' | 'pull';
  readonly project: string;
  readonly session: string;
  readonly remote: RemoteInfo;
  readonly last_synced: string | null;
  readonly steps: readonly Step[];
}
export interface DiffReport extends Document<'diff-report'> {
  readonly project: string;
  readonly session: string;
  readonly side: 'base' | 'remote';
  readonly stages: readonly { readonly stage: Stage; readonly path: string; readonly diff: string }[];
}
export interface ResolveReport extends Document<'resolve-report'> {
  readonly project: string;
  readonly session: string;
  readonly stage: Stage;
  readonly op: string | null;
  readonly conflict: ConflictKind;
  readonly resolution: 'local' | 'remote' | 'merged' | 'text';
  readonly dry_run: boolean;
  readonly object: string | null;
  readonly push: boolean;
  readonly open: readonly Stage[];
}
export interface UndoReport extends Document<'undo-report'> {
  readonly undone: string;
  readonly verb: SyncVerb;
  readonly op: string | null;
  readonly dry_run: boolean;
  readonly project: string;
  readonly session: string;
  readonly stages: readonly Stage[];
  readonly notes: readonly string[];
}
export interface Merge extends Document<'merge'> {
  readonly clean: boolean;
  readonly text: string;
  readonly places: number;
  readonly marker_length: number | null;
  readonly structure: Growing<'code_fence' | 'front_matter' | 'table' | 'lines'> | null;
}
export interface RuleInfo {
  readonly code: string;
  readonly name: string;
  readonly severity: Severity | 'off';
  readonly summary: string;
  /** The explanation, Markdown. */
  readonly page: string;
}
export interface Rule extends Document<'rule'>, Omit<RuleInfo, 'kind'> {}
export interface Rules extends Document<'rules'> {
  readonly rules: readonly RuleInfo[];
}
export interface DoctorReport extends Document<'doctor-report'> {
  readonly version: string;
  readonly workspace: string | null;
  readonly checks: readonly {
    readonly name: string;
    readonly state: 'ok' | 'info' | 'warning' | 'error';
    readonly message: string;
    readonly hint: string | null;
  }[];
  readonly settings: readonly {
    readonly key: string;
    readonly value: string;
    readonly origin: { readonly kind: 'flag' | 'env' | 'file' | 'default'; readonly name?: string };
  }[];
}
export interface Trust extends Document<'trust'> {
  readonly origin: string;
  readonly added: boolean;
}
export interface Trusted extends Document<'trusted'> {
  readonly origins: readonly string[];
}
export interface Version extends Document<'version'> {
  readonly name: string;
  readonly version: string;
}
export interface CloneReport extends Document<'clone-report'> {
  readonly project: string;
  readonly project_id: string;
  readonly sessions: readonly SyncFields[];
}
export interface LinkReport extends Document<'link-report'> {
  readonly project: string;
  readonly project_id: string;
  readonly name: string;
}
export interface RemoteStatus extends Document<'remote-status'> {
  readonly project: string;
  readonly project_id: string;
  readonly session: string | null;
  readonly remote: RemoteInfo;
  readonly last_synced: string | null;
  readonly stages: { readonly [S in Stage]?: StageStatus };
  readonly last_agent: string | null;
  readonly incoming: readonly Stage[];
  readonly outgoing: readonly Stage[];
  readonly both: readonly Stage[];
}
export interface RemoteProjects extends Document<'remote-projects'> {
  readonly remote: RemoteInfo;
  readonly projects: readonly {
    readonly project_id: string;
    readonly name: string;
    readonly stack: string | null;
    readonly framework: string | null;
    readonly updated_at: string | null;
    readonly sessions: readonly {
      readonly session: string | null;
      readonly updated_at: string | null;
      readonly state: Readonly<Record<string, unknown>> | null;
    }[];
  }[];
}
export interface Health extends Document<'health'> {
  readonly remote: RemoteInfo;
  readonly healthy: boolean;
  readonly message: string | null;
}
export interface SettleReport extends Document<'settle-report'> {
  readonly project: string;
  readonly session: string;
  readonly remote: RemoteInfo;
}
export interface Progress extends Document<'progress'> {
  /** What is being done: `validating`, `reading the agency`. */
  readonly doing: string;
  /** On what: a session or a stage. */
  readonly what: string;
  readonly done: number;
  readonly total: number | null;
}

// The options of a call

export interface SyncCallOptions {
  /** How long the verb may wait for locks and servers. */
  timeoutMs?: number;
  /** The environment that the verb sees instead of the process's own: settings, tokens, the home folder. */
  env?: Readonly<Record<string, string | undefined>>;
}
export interface CallOptions extends SyncCallOptions {
  /** Stops the verb at its next safe point; the promise rejects with the code `Cancelled`, or `Unsettled` during a write. */
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
}
export type Path = string | URL;
export interface InFolder {
  /** The folder to start from: the current one, unless it is given. */
  start?: Path;
  /** The workspace: the nearest one upwards of `start`, unless it is given. */
  root?: Path;
}
export interface InProject extends InFolder {
  /** The one that `start` is inside, the current one or the only one, unless it is given. */
  project?: string;
}
export interface InSession extends InProject {
  /** The project's current one or only one, unless it is given. */
  session?: string;
}
export interface WithRemote {
  /** The agency, as `sqlite:PATH` or `https://…`: the configured one, unless it is given. */
  remote?: string;
}
export interface InitOptions extends InFolder {
  project: string;
  session?: string;
  stack?: string;
  dryRun?: boolean;
}
export interface OpenOptions {
  start?: Path;
  root: Path;
}
export interface CreateSessionOptions extends InProject {
  session: string;
  parent?: string;
}
export interface SwitchSessionOptions extends InProject {
  session: string;
}
export interface WriteOptions extends InSession {
  stage: Stage;
  text: string;
  /** Write only if the file holds exactly this object, or nothing (`absent`). */
  expected?: string;
}
export interface SetStageOptions extends InSession {
  stage: Stage;
  status: StageStatus;
  agent?: string;
}
export interface ValidateOptions extends InSession {
  stages?: readonly Stage[];
  all?: boolean;
  /** Mend first what can be mended for certain. */
  fix?: boolean;
  updateBaseline?: boolean;
  /** Give the places of findings in UTF-16 too. */
  utf16?: boolean;
}
export interface ValidateTextOptions extends InSession {
  stage: Stage;
  text: string;
  /** How far the stage has come: `in_progress`, unless it is given. */
  status?: 'pending' | 'in_progress';
  /** What findings call the file. */
  path?: string;
}
export interface FixOptions extends InSession {
  stages?: readonly Stage[];
  all?: boolean;
  dryRun?: boolean;
}
export interface StatusOptions extends InSession, WithRemote {
  all?: boolean;
  /** Ask the agency what it holds now. */
  remoteCheck?: boolean;
}
export interface DiffOptions extends InSession, WithRemote {
  stages?: readonly Stage[];
  against?: 'base' | 'remote';
}
export interface PlanOptions extends InSession, WithRemote {
  verb?: 'push' | 'pull';
  stages?: readonly Stage[];
}
export type ResolveOptions = InSession &
  WithRemote & { stage: Stage; dryRun?: boolean } & (
    | { resolution: 'local' | 'remote' | 'merged'; text?: undefined }
    | { resolution?: undefined; text: string }
  );
export interface UndoOptions extends InFolder {
  op?: string;
  force?: boolean;
  dryRun?: boolean;
}
export interface MergeTextOptions {
  base: string;
  local: string;
  remote: string;
}
export interface DoctorOptions extends InProject, WithRemote {
  /** Ask the agency too whether it is well. */
  remoteCheck?: boolean;
}
export interface PushOptions extends InSession, WithRemote {
  stages?: readonly Stage[];
  all?: boolean;
  dryRun?: boolean;
  agent?: string;
  delete?: readonly Stage[];
  allowEmpty?: boolean;
  forceClear?: boolean;
  replaceSession?: boolean;
  recreate?: boolean;
  newId?: boolean;
}
export interface PullOptions extends InSession, WithRemote {
  stages?: readonly Stage[];
  all?: boolean;
  dryRun?: boolean;
  markers?: boolean;
  restore?: readonly Stage[];
  acceptClear?: boolean;
  forceClear?: boolean;
}
export interface CloneOptions extends InFolder, WithRemote {
  /** The project's name in the agency, or its id. */
  name: string;
  session?: string;
}
export interface LinkOptions extends InProject, WithRemote {
  name: string;
}

// The verbs

type Local<Options, Answer> = {} extends Options
  ? (options?: Options & SyncCallOptions) => Answer
  : (options: Options & SyncCallOptions) => Answer;
type Async<Options, Answer> = {} extends Options
  ? (options?: Options & CallOptions) => Promise<Answer>
  : (options: Options & CallOptions) => Promise<Answer>;
/** One document for one session; another one for `all`. */
interface AsyncOneOrMany<Options, One, All> {
  (options: Options & CallOptions & { all: true }): Promise<All>;
  (options?: Options & CallOptions & { all?: false }): Promise<One>;
  (options?: Options & CallOptions): Promise<One | All>;
}

/** Makes a project with its first session, and the workspace where there is none. */
export const init: Async<InitOptions, InitReport>;
export const initSync: Local<InitOptions, InitReport>;
/** Opens the workspace in a folder. */
export const open: Async<OpenOptions, WorkspaceDocument>;
export const openSync: Local<OpenOptions, WorkspaceDocument>;
/** Finds the workspace that a folder lies in. */
export const discover: Async<{ start?: Path }, WorkspaceDocument>;
export const discoverSync: Local<{ start?: Path }, WorkspaceDocument>;
/** Lists the projects of a workspace. */
export const projects: Async<InFolder, Projects>;
export const projectsSync: Local<InFolder, Projects>;
/** Lists the sessions of a project. */
export const sessions: Async<InProject, Sessions>;
export const sessionsSync: Local<InProject, Sessions>;
/** Makes a session with its artifacts, and makes it the current one. */
export const createSession: Async<CreateSessionOptions, InitReport>;
export const createSessionSync: Local<CreateSessionOptions, InitReport>;
/** Makes a session the current one. */
export const switchSession: Async<SwitchSessionOptions, SessionSwitch>;
export const switchSessionSync: Local<SwitchSessionOptions, SessionSwitch>;
/** Reads a session: its artifacts, its state and what is wrong with its files. */
export const load: Async<InSession, Session>;
export const loadSync: Local<InSession, Session>;
/** Writes an artifact; what it displaces is kept. */
export const write: Async<WriteOptions, WriteReport>;
export const writeSync: Local<WriteOptions, WriteReport>;
/** Sets the status of a stage. */
export const setStage: Async<SetStageOptions, StageChange>;
export const setStageSync: Local<SetStageOptions, StageChange>;
/** Checks the artifacts of a session. */
export const validate: Async<ValidateOptions, ValidationReport>;
export const validateSync: Local<ValidateOptions, ValidationReport>;
/** Checks a text as the artifact of a stage, before it is saved. */
export const validateText: Async<ValidateTextOptions, ValidationReport>;
export const validateTextSync: Local<ValidateTextOptions, ValidationReport>;
/** Mends the findings that can be mended for certain; what a file held is kept. */
export const fix: Async<FixOptions, FixReport>;
export const fixSync: Local<FixOptions, FixReport>;
/** Says how far the stages are, and what push and pull would do. Connects with `remoteCheck`. */
export const status: AsyncOneOrMany<StatusOptions, Status, Statuses>;
export function statusSync(
  options: Omit<StatusOptions, 'remoteCheck'> & SyncCallOptions & { all: true; remoteCheck?: false },
): Statuses;
export function statusSync(
  options?: Omit<StatusOptions, 'remoteCheck'> & SyncCallOptions & { all?: false; remoteCheck?: false },
): Status;
/** Shows what differs from what both sides agreed on, or (it connects) from what the agency holds. */
export const diff: Async<DiffOptions, DiffReport>;
export const diffSync: Local<Omit<DiffOptions, 'against'> & { against?: 'base' }, DiffReport>;
/** Says stage by stage what a push or a pull would do, from what was last seen of the agency. */
export const plan: Async<PlanOptions, Plan>;
export const planSync: Local<PlanOptions, Plan>;
/** Settles a conflict; what the file held is kept. */
export const resolve: Async<ResolveOptions, ResolveReport>;
export const resolveSync: Local<ResolveOptions, ResolveReport>;
/** Takes back the last pull, resolve or push. */
export const undo: Async<UndoOptions, UndoReport>;
export const undoSync: Local<UndoOptions, UndoReport>;
/** Merges what two sides made of a text. */
export const mergeText: Async<MergeTextOptions, Merge>;
export const mergeTextSync: Local<MergeTextOptions, Merge>;
/** Explains a rule, or lists them all. */
export function explain(options: { rule: string } & CallOptions): Promise<Rule>;
export function explain(options?: { rule?: undefined } & CallOptions): Promise<Rules>;
export function explainSync(options: { rule: string } & SyncCallOptions): Rule;
export function explainSync(options?: { rule?: undefined } & SyncCallOptions): Rules;
/** Examines the workspace and says how to mend what is wrong. Connects with `remoteCheck`. */
export const doctor: Async<DoctorOptions, DoctorReport>;
export const doctorSync: Local<Omit<DoctorOptions, 'remoteCheck'> & { remoteCheck?: false }, DoctorReport>;
/** Trusts the origin of an agency that a workspace names, or lists what is trusted. */
export function trust(options: { url: string } & CallOptions): Promise<Trust>;
export function trust(options?: { url?: undefined } & CallOptions): Promise<Trusted>;
export function trustSync(options: { url: string } & SyncCallOptions): Trust;
export function trustSync(options?: { url?: undefined } & SyncCallOptions): Trusted;
/** Says which version of the engine this is. */
export const version: Async<{}, Version>;
export const versionSync: Local<{}, Version>;
/** Sends what changed here to the agency. */
export const push: AsyncOneOrMany<PushOptions, SyncReport, SyncReports>;
/** Writes what changed in the agency into the files here. */
export const pull: AsyncOneOrMany<PullOptions, SyncReport, SyncReports>;
/** Brings a project of the agency into a workspace, and makes the workspace where there is none. */
export const clone: Async<CloneOptions, CloneReport>;
/** Ties the project here to one that the agency already has. */
export const link: Async<LinkOptions, LinkReport>;
/** Says what the agency holds of a project. */
export const syncStatus: Async<InSession & WithRemote, RemoteStatus>;
/** Lists the projects that the agency holds. */
export const listRemote: Async<InFolder & WithRemote, RemoteProjects>;
/** Asks the agency whether it is well. */
export const health: Async<InProject & WithRemote, Health>;
/** Finds out what became of a push whose reply was lost. */
export const settle: Async<InSession & WithRemote, SettleReport>;

/** Every verb of the engine, and whether it always connects. */
export const verbs: readonly { readonly name: string; readonly connecting: boolean }[];
/** Calls a verb by its name, for tools that pass verbs on. */
export function call(verb: string, options?: Readonly<Record<string, unknown>> & CallOptions): Promise<Document<string>>;
export function callSync(verb: string, options?: Readonly<Record<string, unknown>> & SyncCallOptions): Document<string>;
