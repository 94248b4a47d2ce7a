// How things are said: icons, short texts and sentences. No decision about IDSE is taken here.
import type { Failure, StageLine, StatusFields, SyncFields } from 'idse-core';

export interface Shown {
  readonly icon: string;
  readonly colour?: string;
  readonly description: string;
  /** What menus ask for: words, the first one the kind of the row. */
  readonly context: string;
  readonly tooltip: string;
}

const STATUS = { pending: 'pending', in_progress: 'in progress', complete: 'complete' } as const;
const SYNC: Readonly<Record<string, string>> = {
  both_changed: '↑↓ both changed', both_added: '↑↓ both added', delete_edit: 'deleted here, changed there',
  edit_clear: 'changed here, cleared there', deleted_here: 'deleted here', cleared_there: 'cleared there',
  blocked: 'cannot be read', suspicious: 'became empty', unmapped: 'has no place in the agency',
};

const count = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;

function syncOf(line: StageLine): string {
  if (line.conflict) return '⚠ conflict';
  if (line.push && line.pull) return '↑↓ both changed';
  if (line.push) return '↑ to push';
  if (line.pull) return '↓ to pull';
  return (line.sync && SYNC[line.sync]) || '';
}

/** A stage in the view. */
export function stageRow(line: StageLine): Shown {
  const status = STATUS[line.status];
  const findings = [line.errors && count(line.errors, 'error'), line.warnings && count(line.warnings, 'warning')].filter(Boolean);
  const isWrong = line.errors > 0 && line.status !== 'pending';
  const icon = line.conflict ? 'warning'
    : isWrong ? 'error'
    : { pending: 'circle-large-outline', in_progress: 'play-circle', complete: 'pass-filled' }[line.status];
  const colour = line.conflict ? 'list.warningForeground' : isWrong ? 'list.errorForeground' : line.status === 'complete' ? 'testing.iconPassed' : undefined;
  const sync = syncOf(line);
  return {
    icon,
    ...(colour && { colour }),
    description: [status, sync].filter(Boolean).join(' · '),
    context: ['stage', line.status, line.conflict && 'conflict', line.push && 'push', line.pull && 'pull'].filter(Boolean).join(' '),
    tooltip: [`${line.stage}: ${status}`, sync || 'nothing to sync', findings.join(', ') || 'no findings'].join('\n'),
  };
}

/** A session in the view. */
export function sessionRow(status: StatusFields): Shown {
  const done = status.stages.filter((line) => line.status === 'complete').length;
  return {
    icon: status.current ? 'target' : 'notebook',
    description: [`${done}/${status.stages.length}`, summary(status), status.unsettled && 'unsettled push'].filter(Boolean).join(' · '),
    context: `session ${status.current ? 'current' : 'other'}`,
    tooltip: [
      `${status.project}/${status.session}${status.current ? ' (current)' : ''}`,
      status.last_synced ? `last synced ${status.last_synced}` : 'never synced',
      `agency: ${status.remote.address}`,
      ...status.notes,
    ].join('\n'),
  };
}

/** The arrows of a session: what would go, what would come, what needs a person. */
export function summary({ stages }: StatusFields): string {
  const of = (field: 'push' | 'pull') => stages.filter((line) => line[field] && !line.conflict).length;
  const [up, down, open] = [of('push'), of('pull'), stages.filter((line) => line.conflict).length];
  return [up && `${up}↑`, down && `${down}↓`, open && `${open}⚠`].filter(Boolean).join(' ');
}

/** The one item in the status bar. */
export function statusItem(status: StatusFields | undefined): { text: string; tooltip: string } {
  if (!status) return { text: '$(checklist) IDSE', tooltip: 'IDSE: no session' };
  return { text: ['$(checklist) IDSE', summary(status)].filter(Boolean).join(' '), tooltip: sessionRow(status).tooltip };
}

/** What is said after a push or pull, how loudly, and what is offered. */
export function outcome(report: SyncFields): { level: 'quiet' | 'warning'; message: string; offer?: 'Resolve…' | 'Show Problems' } {
  const stages = (wanted: readonly string[]) => report.steps.filter((step) => wanted.includes(step.action)).map((step) => step.stage);
  const name = `${report.project}/${report.session}`;
  switch (report.outcome) {
    case 'up_to_date':
      return { level: 'quiet', message: `${name} is up to date.` };
    case 'done': {
      const moved = stages(['send', 'send_null', 'write', 'merge', 'remove', 'status']);
      const merged = stages(['merge']);
      const verb = report.verb === 'push' ? 'Pushed' : 'Pulled';
      const said = moved.length ? `${verb} ${moved.join(', ')} of ${name}.` : `${name} is in step.`;
      return { level: 'quiet', message: merged.length ? `${said} Merged by lines, read them: ${merged.join(', ')}.` : said };
    }
    case 'conflict': {
      const open = report.conflicts.map((conflict) => conflict.stage).join(', ');
      // A conflict that no pull has opened yet has no texts to decide between.
      const isOpen = report.conflicts.some((conflict) => conflict.path !== null);
      const advice = isOpen ? '' : ' Pull first.';
      return { level: 'warning', message: `Both sides changed ${open} of ${name}; nothing was overwritten.${advice}`, ...(isOpen && { offer: 'Resolve…' as const }) };
    }
    case 'refused': {
      const why = report.steps.filter((step) => step.action === 'refuse').map((step) => step.message ?? step.stage);
      return { level: 'warning', message: `${name} was not ${report.verb === 'push' ? 'pushed' : 'pulled'}: ${why.join(' ') || report.notes.join(' ')}`, offer: 'Show Problems' };
    }
  }
}

/** What is said of an error: what happened, and what to do. */
export function failure(error: { readonly message: string; readonly hint?: string | null }): string {
  const end = /[.!?…]$/.test(error.message) ? '' : '.';
  return [error.message + end, error.hint].filter(Boolean).join(' ');
}

/** A session that could not be read, in the view. */
export function failureRow({ error }: Failure): Shown {
  return { icon: 'error', colour: 'list.errorForeground', description: error.message, context: 'failure', tooltip: failure(error) };
}
