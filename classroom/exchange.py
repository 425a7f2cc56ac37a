"""nbgrader's exchange on a hub, where each student has a part of their own (people.py): the teacher's side of it.

What a student hands in lies where only they write, and is theirs whatever name it bears; feedback goes where only they
read. nbgrader's own exchange is one folder for all, and on a hub all are often one user.
"""

import glob
import os
import shutil
import stat
from pathlib import Path

from nbgrader.exchange.default import ExchangeCollect, ExchangeReleaseFeedback
from people import students


class CollectFromEach(ExchangeCollect):
    def init_src(self):
        """Takes what is new from each student's part into the course's own `inbound`; from there nbgrader collects."""
        inbound = Path(self.root, self.coursedir.course_id, "inbound")
        for student, own in students(self.root).items():
            for handed_in in sorted((own / "inbound").glob(f"{glob.escape(student)}+*")):
                target = inbound / handed_in.name
                if not target.exists() and (handed_in / "submission_secret.txt").exists():  # nbgrader writes it last
                    self.take(handed_in, target)
        super().init_src()

    def take(self, handed_in, target):
        taken = target.with_name(f".{target.name}")
        shutil.rmtree(taken, ignore_errors=True)
        try:
            copy_plain_files(handed_in, taken, 1000 * self.coursedir.max_dir_size)
            taken.rename(target)
        except (OSError, RecursionError) as error:
            shutil.rmtree(taken, ignore_errors=True)
            self.log.error("%s cannot be collected: %s", handed_in, error)


class ReleaseFeedbackToEach(ExchangeReleaseFeedback):
    def copy_files(self):
        wanted = self.coursedir.student_id
        for student, own in students(self.root).items():
            if wanted in ("", "*", student):
                place = self.coursedir.format_path(
                    self.coursedir.feedback_directory, student, self.coursedir.assignment_id
                )
                self.src_path, self.dest_path = glob.escape(place), str(own / "feedback")
                super().copy_files()


def copy_plain_files(source, target, limit):
    """Files and folders only, at most `limit` bytes: a link would show the teacher's own file to the student.

    Whoever owns the source may exchange a file for a link at any moment, so nothing is looked at by its name twice.
    """
    for place, _, names, folder in os.fwalk(source):
        here = target / os.path.relpath(place, source)
        here.mkdir(parents=True)
        for name in names:
            try:
                file = os.fdopen(os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder), "rb")
            except OSError:
                continue
            with file:
                size = os.fstat(file.fileno()).st_size
                limit -= size
                if limit < 0:
                    raise OSError("it is too large")
                if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    (here / name).write_bytes(file.read(size))
