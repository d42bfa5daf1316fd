# SPDX-License-Identifier: Apache-2.0
"""Folders that are read-only or too small, and checkpoints that the disk has damaged."""
import os
import shutil

import run_folder
from bench import Ended, expect_refusal, finished
from run_folder import expect
from trial import scenario

PAGE = 4096
NOBODY = 65534

READ_ONLY = """mount --bind "$FOLDER" "$FOLDER" && mount -o remount,bind,ro "$FOLDER" || exit 99
exec "$@"
"""
# Both runs and what each leaves are behind the mount's end, in $KEPT.
SMALL = """mount -t tmpfs -o size=$BYTES none "$DISK" || exit 99
"$@" >"$KEPT/1.out" 2>"$KEPT/1.err"
echo $? >"$KEPT/1.code"
if [ -d "$DISK/run" ]; then cp -a "$DISK/run" "$KEPT/1"; fi
mount -o remount,size=64m "$DISK" || exit 99
"$@" >"$KEPT/2.out" 2>"$KEPT/2.err"
echo $? >"$KEPT/2.code"
cp -a "$DISK/run" "$KEPT/2"
"""


def no_mounts(bench):
    """Why folders cannot be mounted here, or nothing."""
    folder = bench.work / "mount_probe"
    folder.mkdir(exist_ok=True)
    if not shutil.which("unshare"):
        return "there is no unshare"
    script = 'mount -t tmpfs -o size=64k none "$1" && mount -o remount,size=128k "$1"'
    ended = finished(bench.start(["unshare", "-m", "sh", "-c", script, "sh", str(folder)]))
    return "" if ended.code == 0 else f"mounting needs root: {ended.stderr.strip()}"


def as_nobody():
    """Before a command: it runs without the rights that root has everywhere."""
    return ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"] if \
        os.geteuid() == 0 else []


def no_other_user(bench):
    """Why nobody else can run the program here, or nothing."""
    if as_nobody() and not shutil.which("setpriv"):
        return "there is no setpriv"
    script = f'"$1" --version && cat "{bench.spec}"'
    ended = finished(bench.start([*as_nobody(), "sh", "-c", script, "sh", bench.train]))
    return "" if ended.code == 0 else f"another user cannot run it: {ended.stderr.strip()}"


def make_folder(trial):
    """A run that was stopped, or an empty folder."""
    if trial.random.random() < 0.2:
        trial.output.mkdir()
    else:
        trial.stop_halfway()


def expect_untouched(trial, ended, before):
    expect_refusal(ended)
    expect(run_folder.files_of(trial.output) == before, "the read-only folder has changed")
    trial.finish()
    return "refused"


@scenario(needs=no_mounts)
def read_only_mount(trial):
    make_folder(trial)
    before = run_folder.files_of(trial.output)
    wrap = ["unshare", "-m", "env", f"FOLDER={trial.output}", "sh", "-c", READ_ONLY, "sh"]
    return expect_untouched(trial, trial.train(wrap=wrap), before)


@scenario(needs=no_other_user)
def read_only_folder(trial):
    """Without the rights, rather than on a read-only file system."""
    make_folder(trial)
    before = run_folder.files_of(trial.output)
    folders = [trial.output, *(path for path in trial.output.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        ended = trial.train(wrap=as_nobody())
    finally:
        for folder in folders:
            folder.chmod(0o755)
    return expect_untouched(trial, ended, before)


def space_needed(bench):
    """Of a whole run, in pages, with a checkpoint beside those that stay."""
    files = run_folder.files_of(bench.reference)
    sizes = [len(content) for content in files.values()]
    newest = len(files[run_folder.step_files(files)[-1]])
    return sum(-(-size // PAGE) + 1 for size in [*sizes, newest])


def kept(folder, run):
    return Ended(int((folder / f"{run}.code").read_text()), (folder / f"{run}.out").read_text(),
                 (folder / f"{run}.err").read_text())


@scenario(needs=no_mounts)
def full_disk(trial):
    """A disk of any size up to almost enough, which then gets larger."""
    disk = trial.folder / "disk"
    disk.mkdir()
    pages = trial.random.randint(2, space_needed(trial.bench) * 9 // 10)
    wrap = ["unshare", "-m", "env", f"DISK={disk}", f"KEPT={trial.folder}", f"BYTES={pages * PAGE}",
            "sh", "-c", SMALL, "sh"]
    ended = trial.train(output=disk / "run", wrap=wrap)
    expect(ended.code == 0, f"the scenario on a small disk: {ended}")
    trial.output = trial.folder / "1"
    small, large = kept(trial.folder, 1), kept(trial.folder, 2)
    if small.code != 0:
        expect_refusal(small)
        trial.check_unfinished()
        run_folder.expect_no_leftovers(trial.output)
    expect(large.code == 0, f"with more space: {large}")
    trial.compare(output=trial.folder / "2")
    return "gave up" if small.code else "had space"


def newest_checkpoint(trial):
    names = run_folder.step_files(run_folder.files_of(trial.output))
    expect(len(names) > run_folder.KEEP, f"kept are only {names}")
    return trial.output / names[-1]


def flip_bit(trial, path):
    content = bytearray(path.read_bytes())
    at = trial.random.randrange(8 * len(content))
    content[at // 8] ^= 1 << at % 8
    path.write_bytes(content)


def expect_noticed(trial, damaged):
    """The run says which file is damaged, goes on from the one before, and nothing is lost."""
    ended = trial.finish()
    lines = [line for line in ended.stdout.splitlines() if "damaged" in line]
    expect(len(lines) == 1 and damaged.name in lines[0],
           f"should say, and once, that {damaged.name} is damaged: {ended}")
    return "noticed"


@scenario()
def flipped_bit(trial):
    trial.stop_halfway(first=11)
    damaged = newest_checkpoint(trial)
    flip_bit(trial, damaged)
    return expect_noticed(trial, damaged)


@scenario()
def flipped_bit_again(trial):
    """The last checkpoint, too: what was kept beside it is a good one."""
    flipped_bit(trial)
    damaged = newest_checkpoint(trial)
    flip_bit(trial, damaged)
    return expect_noticed(trial, damaged)


@scenario()
def cut_checkpoint(trial):
    """Shorter than it was: what a file system may leave of a file that was never flushed."""
    trial.stop_halfway(first=11)
    damaged = newest_checkpoint(trial)
    size = damaged.stat().st_size
    os.truncate(damaged, trial.random.choice([0, trial.random.randrange(size), size - 1]))
    return expect_noticed(trial, damaged)
