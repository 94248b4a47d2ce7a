'use strict';

/** A failure of the engine: what it could not do, why, and what to do about it. */
class IdseError extends Error {
  /** @param error the `error` of the document that the engine answered with */
  constructor(error, options) {
    super(error.message, options);
    this.code = error.kind;
    this.number = error.code;
    this.reason = error.reason ?? '';
    this.hint = error.hint ?? null;
    this.temporary = error.temporary ?? false;
    this.exit = error.exit;
    this.details = Object.freeze({ ...error.context });
  }

  toJSON() {
    const { code, number, reason, message, hint, temporary, exit, details } = this;
    return { kind: code, code: number, reason, message, hint, temporary, exit, context: details };
  }
}

// Both are the class's, so that a printed error shows only what differs from one to the next.
Object.defineProperty(IdseError.prototype, 'name', { value: 'IdseError', writable: true, configurable: true });

/** What a call was refused for before it reached the engine. */
function refused(message, argument, cause) {
  const context = argument === undefined ? {} : { argument };
  return new IdseError({ kind: 'InvalidArgument', code: 10, reason: 'schema', message, exit: 2, context }, { cause });
}

module.exports = { IdseError, refused };
