"""What people type into pages, shaped and validated; ``tracker.recording`` and
``tracker.submission`` act on it."""

from tracker.forms.access import GroupForm, MemberForm, SignInForm, TokenForm
from tracker.forms.experiments import (
    ExperimentFilterForm,
    ExperimentForm,
    groups_to_share_with,
)
from tracker.forms.notices import NoticeWishesForm
from tracker.forms.requests import ResourceRequestForm, request_forms
from tracker.forms.starting import AdoptForm, JobChoiceForm, StartForm

__all__ = [
    "AdoptForm",
    "ExperimentFilterForm",
    "ExperimentForm",
    "GroupForm",
    "JobChoiceForm",
    "MemberForm",
    "NoticeWishesForm",
    "ResourceRequestForm",
    "SignInForm",
    "StartForm",
    "TokenForm",
    "groups_to_share_with",
    "request_forms",
]
