"""nbgrader in everybody's server on a hub: one exchange, the teacher's course, and each student's own name.

CLASS_EXCHANGE names the exchange's folder, CLASS_TEACHERS the teachers (with commas), CLASS_CONFIG the course's
nbgrader_config.py, which only teachers' servers read.
"""

import os
from pathlib import Path

c = get_config()  # noqa: F821 (nbgrader gives it)

user = os.environ["JUPYTERHUB_USER"]
c.CourseDirectory.course_id = "bottleneck"
c.Exchange.root = os.environ["CLASS_EXCHANGE"]

if user in os.environ["CLASS_TEACHERS"].split(","):
    course = Path(os.environ["CLASS_CONFIG"])
    load_subconfig(course.name, path=str(course.parent))  # noqa: F821 (so does this come from there)
    c.CourseDirectory.root = str(Path.home() / "bottleneck")
    # Found beside the course's configuration, which has put its folder on the path.
    c.ExchangeFactory.collect = "exchange.CollectFromEach"
    c.ExchangeFactory.release_feedback = "exchange.ReleaseFeedbackToEach"
else:
    # Whatever name the operating system has for who runs the server.
    c.CourseDirectory.student_id = user
