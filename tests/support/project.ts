/** What the transcripts that tests write have in common. */

/** The folder in which their sessions say that they have worked. */
export const CWD = "/home/someone/projects/demo-app";
