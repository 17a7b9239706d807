import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracker.settings")
application = get_wsgi_application()

import tracker.urls  # noqa: E402, F401  # with all views: else the first request imports them

# Modules stay for good. A thousand points are objects enough to have Python look for garbage among
# all it has, which took a third of their reading.
gc.freeze()
