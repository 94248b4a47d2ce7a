'use strict';

const { fileURLToPath } = require('node:url');
const { IdseError, refused } = require('./error.js');
const native = require('./native.js');

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

function freeze(value) {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(freeze);
    Object.freeze(value);
  }
  return value;
}

/** Takes the options of a call apart: what the engine takes as arguments, and how it is called. */
function prepare(options = {}) {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw refused('the options of a call are an object');
  }
  const { signal, onProgress, timeoutMs, env, utf16, ...rest } = options;
  if (timeoutMs !== undefined && typeof timeoutMs !== 'number') throw refused('timeoutMs is a number', 'timeoutMs');
  if (onProgress !== undefined && typeof onProgress !== 'function') throw refused('onProgress is a function', 'onProgress');
  if (signal !== undefined && !(signal instanceof AbortSignal)) throw refused('signal is an AbortSignal', 'signal');
  const place = (value) => (value instanceof URL ? fileURLToPath(value) : value);
  const named = Object.entries(rest).map(([name, value]) => [snake(name), place(value)]);
  const variables = env && Object.entries(env).filter(([, value]) => value !== undefined);
  return {
    signal,
    onProgress,
    arguments: JSON.stringify(Object.fromEntries(named)),
    settings: {
      timeoutMs,
      utf16: utf16 ?? typeof rest.text === 'string',
      env: variables && Object.fromEntries(variables.map(([name, value]) => [name, String(value)])),
    },
  };
}

/** Makes the error of a document; one that the caller's signal brought about says so as every aborted call does. */
function failure({ error }, signal) {
  if (error.kind !== 'Cancelled' || !signal?.aborted) return new IdseError(error);
  const aborted = new IdseError(error, { cause: signal.reason });
  aborted.name = 'AbortError';
  return aborted;
}

const aborted = (signal) =>
  failure({ error: { kind: 'Cancelled', code: 41, message: 'cancelled', exit: 130, context: {} } }, signal);

/** Runs a verb, by its name in camel case, on a thread of its own. */
async function call(verb, options) {
  const prepared = prepare(options);
  const { signal, onProgress, settings } = prepared;
  if (signal?.aborted) throw aborted(signal);
  let job;
  const stop = () => job.cancel();
  try {
    return await new Promise((resolve, reject) => {
      let thrown;
      job = native.start(snake(String(verb)), prepared.arguments, settings, onProgress !== undefined, (text) => {
        const document = freeze(JSON.parse(text));
        if (document.kind === 'progress') {
          try {
            if (!thrown) onProgress(document);
          } catch (error) {
            // The caller's own mistake ends the call and reaches whoever awaits it.
            thrown = { error };
            stop();
          }
        } else if (thrown) {
          reject(thrown.error);
        } else if (document.kind === 'error') {
          reject(failure(document, signal));
        } else {
          resolve(document);
        }
      });
      signal?.addEventListener('abort', stop, { once: true });
    });
  } finally {
    signal?.removeEventListener('abort', stop);
  }
}

/** Runs a local verb where it is called. */
function callSync(verb, options) {
  const { signal, onProgress, arguments: given, settings } = prepare(options);
  if (signal !== undefined || onProgress !== undefined) {
    throw refused('nothing can be heard or stopped while a call holds the event loop', signal ? 'signal' : 'onProgress');
  }
  const document = freeze(JSON.parse(native.callSync(snake(String(verb)), given, settings)));
  if (document.kind === 'error') throw failure(document);
  return document;
}

const verbs = freeze(JSON.parse(native.verbs()).map(({ name, connecting }) => ({ name: camel(name), connecting })));

module.exports = { IdseError, call, callSync, verbs };
for (const { name, connecting } of verbs) {
  module.exports[name] = { [name]: (options) => call(name, options) }[name];
  const nameSync = `${name}Sync`;
  if (!connecting) module.exports[nameSync] = { [nameSync]: (options) => callSync(name, options) }[nameSync];
}
