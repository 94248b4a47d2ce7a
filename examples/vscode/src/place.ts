// Which of our files a path is. Everything else in the editor is none of our business.
import type { Stage } from 'idse-core';

/** The artifact of each stage, from the session's folder on. */
export const FILES: Readonly<Record<Stage, string>> = {
  intent: 'intents/intent.md',
  context: 'contexts/context.md',
  spec: 'specs/spec.md',
  plan: 'plans/plan.md',
  tasks: 'tasks/tasks.md',
  implementation: 'implementation/README.md',
  feedback: 'feedback/feedback.md',
};
export const STAGES = Object.keys(FILES) as Stage[];

export interface SessionPlace {
  /** The workspace: the folder that holds `.idse`. */
  readonly root: string;
  readonly project: string;
  readonly session: string;
}
export interface ArtifactPlace extends SessionPlace {
  readonly stage: Stage;
  /** The file from the workspace on, with forward slashes: what findings call it. */
  readonly path: string;
}

const SHAPE = /^(.+?)\/(\.idse\/projects\/([^/]+)\/sessions\/([^/]+)\/(.+))$/;

/** Reads the path of an artifact; null for every other file. */
export function artifactAt(file: string): ArtifactPlace | null {
  const found = SHAPE.exec(file.replaceAll('\\', '/'));
  if (!found) return null;
  const [, root, path, project, session, rest] = found as unknown as [string, string, string, string, string, string];
  const stage = STAGES.find((stage) => FILES[stage] === rest);
  return stage ? { root, path, project, session, stage } : null;
}

/** The file of a stage from the workspace on. */
export function fileOf({ project, session }: Omit<SessionPlace, 'root'>, stage: Stage): string {
  return `.idse/projects/${project}/sessions/${session}/${FILES[stage]}`;
}

/** The folder with the texts of a conflict, from the workspace on. */
export function conflictOf(key: string, { project, session }: Omit<SessionPlace, 'root'>, stage: Stage): string {
  return `.idse/sync/${key}/conflicts/${project}/${session}/${stage}`;
}
