import door from './index.js';

export const {
  IdseError, call, callSync, verbs, init, initSync, open, openSync, discover, discoverSync, projects,
  projectsSync, sessions, sessionsSync, createSession, createSessionSync, switchSession, switchSessionSync,
  load, loadSync, write, writeSync, setStage, setStageSync, validate, validateSync, validateText,
  validateTextSync, fix, fixSync, status, statusSync, diff, diffSync, plan, planSync, resolve, resolveSync,
  undo, undoSync, mergeText, mergeTextSync, explain, explainSync, doctor, doctorSync, trust, trustSync,
  version, versionSync, push, pull, clone, link, syncStatus, listRemote, health, settle,
} = door;
