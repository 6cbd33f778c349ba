"""Runs a command on a terminal of its own: stdin is typed there, what the terminal shows goes to stdout. SIGUSR1 closes it."""
import fcntl, os, pty, select, signal, struct, sys, termios

pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
sources = [terminal, 0]
closing, close = os.pipe()
signal.signal(signal.SIGUSR1, lambda *_: os.write(close, b"x"))
while True:
    ready, _, _ = select.select([*sources, closing], [], [])
    if closing in ready:
        os.close(terminal)
        break
    if 0 in ready:
        typed = os.read(0, 65536)
        if typed:
            os.write(terminal, typed)
        else:
            sources.remove(0)
    if terminal in ready:
        try:
            shown = os.read(terminal, 65536)
        except OSError:
            break
        if not shown:
            break
        os.write(1, shown)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) & 255)
