//! What can be said to the program.

/// For `--help`.
pub(super) const COMMAND_LINE: &str = "\
segno-scheme runs programs in R7RS-small Scheme, which can be saved and go on elsewhere.

  segno-scheme                           reads and evaluates, line by line
  segno-scheme [run] FILE [-- ARGS...]   runs a program; ARGS are its (command-line)
  segno-scheme resume SNAP [DATUM]       goes on with a program; (suspend! v) answers DATUM
  segno-scheme show SNAP [--html OUT]    shows what is in a snapshot

Persistence
  --save SNAP          writes a program that has suspended, or is out of fuel, to a file
  --changed POLICY     resume: what to do if the source has changed since in what can still run:
                       keep (the saved code; the default), refuse, or restart: the outermost
                       call of a changed procedure is made again, and all that follows is new
  --teleport           saves the program at each capture of a continuation, and goes on with
                       another interpreter that was made of the bytes
  --teleport-to SNAP   the same, but writes the bytes to a file, and ends by SIGKILL; resume
                       goes on
  --every N            does so at each N-th capture only

Limits
  --fuel N             so many steps; no limit by default
  --depth N            so many frames, also in continuations; ten million by default
  --heap BYTES         so much memory, with K, M or G for more; 4G by default
  --allow-files DIR    files in this folder may be used; none by default

A program's own source, and what lies beside it, can always be included and imported.

Exit statuses
  its own, by (exit n); 0 where it is done
  1    it has raised something that nobody handles; or a file cannot be used
  2    the arguments make no sense
  3    it has suspended; with --save it is in the file
  4    it is out of fuel, in which case --save has saved it; or it has met another limit
";

/// For `,help`.
pub(super) const REPL: &str = "\
,continue [DATUM]   goes on with the program that is paused; (suspend! v) answers DATUM
,drop               gives that program up
,trace              shows what was left to do at the last error, or of the paused program
,save FILE          saves all that was defined, and the paused program
,load FILE          takes it up again
,help               shows this
,quit               ends
Ctrl-C pauses what runs; a second time, where that cannot be paused, it ends.
";
