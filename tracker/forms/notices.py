"""What a person wants to be told of."""

from __future__ import annotations

from django import forms

from tracker.models import NoticeWishes


class NoticeWishesForm(forms.ModelForm):
    class Meta:
        model = NoticeWishes
        fields = ["started", "failed", "ended", "better_slot"]
        labels = {
            "started": "A run of mine starts",
            "failed": "A run of mine fails",
            "ended": "A run of mine ends well, or is cancelled",
            "better_slot": "A better slot opens for a watch",
        }
