/** The command line's exit codes; 0 to 63 otherwise belong to the script. What each means is in `../errors/`. */
export const EXIT = {
  ok: 0,
  uncaught: 1,
  usage: 2,
  load: 65,
  noFile: 66,
  provider: 69,
  bug: 70,
  rateLimit: 75,
  permission: 77,
  config: 78,
  replay: 79,
  time: 124,
  limit: 125,
  interrupted: 130,
  crashed: 134,
  terminated: 143,
} as const;
