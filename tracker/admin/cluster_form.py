"""What staff may type about a cluster: which settings need which others, said beside them."""

from __future__ import annotations

import os.path

from django import forms

from tracker.models import Cluster

Transport, SubmitAs = Cluster.Transport, Cluster.SubmitAs
# What each way of submitting starts on this host, and so cannot do for a cluster elsewhere.
ON_THIS_HOST = (SubmitAs.SELF, SubmitAs.SUDO)


class ClusterForm(forms.ModelForm):
    class Meta:
        help_texts = {
            "transport": "How the cluster is asked: polls, and a look at one job.",
            "location": "Folder of Slurm's commands (empty: those on PATH), or of the capture.",
            "ssh_host": "For ssh: a host name, or a Host of the service's ssh configuration. Its "
            "key must be known before.",
            "rest_url": "For slurmrestd, such as http://127.0.0.1:6820.",
            "service_user": "As whom the service asks over ssh or slurmrestd; empty: its own user.",
            "submit_as": "As whom jobs are submitted, never root and never another user. "
            "Nobody: the cluster is only read. Self: only for the person whose unix name is the "
            "service's own. Sudo: one line of sudoers on this host, and no password. Ssh: the "
            "service's key in each user's authorized_keys, and the ssh host. Slurmrestd: the REST "
            "address, and each user's JWT in the JWT folder, renewed by the site. "
            "Each person needs a cluster account.",
            "work_dir": "Where jobs start; {user} is the unix name.",
            "run_folder": "Below it, unless the experiment names one: {user}, {experiment}, "
            "{run} and {seed} are filled in.",
            "job_output": "Slurm's pattern of the log, where neither request nor script has one.",
            "setup_lines": "Shell lines before every script, such as: module load cuda.",
            "log_roots": 'Folders below which logs and files may be read here, such as ["/home"]; '
            "empty: none are. They must belong to the job's own user as well.",
            "private_data": "The cluster's own PrivateData words are added by themselves; "
            '["jobs"] hides the jobs of others even where Slurm shows them.',
        }
        widgets = {"setup_lines": forms.Textarea(attrs={"rows": 4})}

    def clean_private_data(self) -> list[str]:
        words = self.cleaned_data["private_data"] or []
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise forms.ValidationError('Give a list of words, for example ["jobs"].')
        return words

    def clean_log_roots(self) -> list[str]:
        roots = self.cleaned_data["log_roots"] or []
        if not isinstance(roots, list) or not all(isinstance(root, str) for root in roots):
            raise forms.ValidationError('Give a list of folders, for example ["/home"].')
        for root in roots:
            if not root.startswith("/") or ".." in root.split("/"):
                raise forms.ValidationError(f"“{root}” is no absolute path; give one as /home is.")
            if os.path.realpath(root) == "/":
                raise forms.ValidationError(
                    f"“{root}” would open every file of this host; give the folders of the jobs."
                )
        return roots

    def clean(self) -> dict[str, object]:
        cleaned = super().clean()
        transport, submit_as = cleaned.get("transport"), cleaned.get("submit_as")
        needs = (
            ("ssh_host", (Transport.SSH, SubmitAs.SSH), "ssh needs a host: give its name."),
            (
                "rest_url",
                (Transport.SLURMRESTD, SubmitAs.SLURMRESTD),
                "slurmrestd needs an address: give it, such as http://127.0.0.1:6820.",
            ),
            (
                "location",
                (Transport.CAPTURE,),
                "A capture needs the folder that it was recorded into.",
            ),
        )
        for name, wanted_by, message in needs:
            is_missing = name not in self.errors and not cleaned.get(name)
            if is_missing and {transport, submit_as} & set(wanted_by):
                self.add_error(name, message)
        if submit_as and transport == Transport.CAPTURE:
            self.add_error("submit_as", "A capture is a recording: choose nobody.")
        elif submit_as in ON_THIS_HOST and transport != Transport.LOCAL:
            self.add_error(
                "submit_as",
                f"{submit_as} starts sbatch on this host: choose it with the transport local, or "
                f"submit by {transport} too.",
            )
        return cleaned
