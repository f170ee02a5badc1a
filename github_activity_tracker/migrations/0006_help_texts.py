"""Help texts and labels in plain English. Executes no SQL."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('github_activity_tracker', '0005_account_logins'),
    ]

    operations = [
        migrations.AlterField(
            model_name='account',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC). Cleared if the account appears again.', null=True),
        ),
        migrations.AlterField(
            model_name='account',
            name='kind',
            field=models.CharField(help_text='User, Bot, Organization or Mannequin. Other kinds are stored unchanged.', max_length=32),
        ),
        migrations.AlterField(
            model_name='account',
            name='logins',
            field=models.JSONField(blank=True, default=dict, help_text="Login in each of GitHub's lists. A bot can have several logins."),
        ),
        migrations.AlterField(
            model_name='authoremail',
            name='asked_at',
            field=models.DateTimeField(help_text='When the address was looked up on GitHub (UTC).'),
        ),
        migrations.AlterField(
            model_name='commit',
            name='authored_raw',
            field=models.TextField(blank=True, db_default='', default='', help_text='Original text of the date if the other columns cannot represent it.'),
        ),
        migrations.AlterField(
            model_name='commit',
            name='committed_raw',
            field=models.TextField(blank=True, db_default='', default='', help_text='Original text of the date if the other columns cannot represent it.'),
        ),
        migrations.AlterField(
            model_name='commit',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When it was noticed that no branch or tag contains the commit (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='commit',
            name='encoding',
            field=models.CharField(blank=True, help_text='Encoding that the commit declares. Empty for UTF-8.', max_length=64),
        ),
        migrations.AlterField(
            model_name='commit',
            name='parents',
            field=models.JSONField(blank=True, default=list, help_text="Hashes of the parent commits, in git's order."),
        ),
        migrations.AlterField(
            model_name='commitcomment',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='commitcomment',
            name='is_minimized',
            field=models.BooleanField(blank=True, help_text='Whether GitHub hides the text. Empty if unknown.', null=True),
        ),
        migrations.AlterField(
            model_name='commitcomment',
            name='minimized_reason',
            field=models.CharField(blank=True, db_default='', default='', help_text='Reason for hiding the text, such as spam, off-topic or resolved.', max_length=64),
        ),
        migrations.AlterField(
            model_name='commitcomment',
            name='position',
            field=models.IntegerField(blank=True, help_text='Line number in the diff, starting at 1.', null=True),
        ),
        migrations.AlterField(
            model_name='commitcomment',
            name='reactions',
            field=models.JSONField(blank=True, default=dict, help_text='Number of reactions of each kind. Kinds without reactions are omitted.'),
        ),
        migrations.AlterField(
            model_name='commitcomment',
            name='state_read_at',
            field=models.DateTimeField(blank=True, help_text='When is_minimized was last read from GitHub (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='commitfile',
            name='additions',
            field=models.PositiveBigIntegerField(blank=True, help_text='Number of added lines. Empty for binary files.', null=True),
        ),
        migrations.AlterField(
            model_name='commitfile',
            name='ordinal',
            field=models.PositiveIntegerField(help_text="Position in git's list of changed files, starting at 0."),
        ),
        migrations.AlterField(
            model_name='commitfile',
            name='previous_path',
            field=models.TextField(blank=True, help_text='Path before the rename or copy.', null=True),
        ),
        migrations.AlterField(
            model_name='commitfile',
            name='similarity',
            field=models.PositiveSmallIntegerField(blank=True, help_text='Similarity of a renamed or copied file in percent.', null=True),
        ),
        migrations.AlterField(
            model_name='commitfile',
            name='status',
            field=models.CharField(help_text="Git's status letter: A, M, D, R, C or T.", max_length=8),
        ),
        migrations.AlterField(
            model_name='discussion',
            name='answer_id',
            field=models.BigIntegerField(blank=True, help_text='Id of the comment that was chosen as the answer.', null=True),
        ),
        migrations.AlterField(
            model_name='discussion',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='discussion',
            name='labels',
            field=models.JSONField(blank=True, default=list, help_text='Names of the labels.'),
        ),
        migrations.AlterField(
            model_name='discussion',
            name='reactions',
            field=models.JSONField(blank=True, default=dict, help_text='Number of reactions of each kind. Kinds without reactions are omitted.'),
        ),
        migrations.AlterField(
            model_name='discussioncomment',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='discussioncomment',
            name='is_minimized',
            field=models.BooleanField(blank=True, help_text='Whether GitHub hides the text. Empty if unknown.', null=True),
        ),
        migrations.AlterField(
            model_name='discussioncomment',
            name='minimized_reason',
            field=models.CharField(blank=True, db_default='', default='', help_text='Reason for hiding the text, such as spam, off-topic or resolved.', max_length=64),
        ),
        migrations.AlterField(
            model_name='discussioncomment',
            name='reactions',
            field=models.JSONField(blank=True, default=dict, help_text='Number of reactions of each kind. Kinds without reactions are omitted.'),
        ),
        migrations.AlterField(
            model_name='formerlogin',
            name='noticed_at',
            field=models.DateTimeField(help_text='When the new login was first seen (UTC).'),
        ),
        migrations.AlterField(
            model_name='formername',
            name='noticed_at',
            field=models.DateTimeField(help_text='When the new name was first seen (UTC).'),
        ),
        migrations.AlterField(
            model_name='issue',
            name='assignees',
            field=models.JSONField(blank=True, default=list, help_text='Numeric ids of the accounts.'),
        ),
        migrations.AlterField(
            model_name='issue',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='issue',
            name='issue_dependencies_summary',
            field=models.JSONField(blank=True, help_text='Number of issues that block this issue or are blocked by it. Empty if unknown.', null=True),
        ),
        migrations.AlterField(
            model_name='issue',
            name='issue_type',
            field=models.CharField(blank=True, help_text='Bug, Feature, Task or a custom type of the organization.', max_length=100, null=True),
        ),
        migrations.AlterField(
            model_name='issue',
            name='labels',
            field=models.JSONField(blank=True, default=list, help_text='Names of the labels.'),
        ),
        migrations.AlterField(
            model_name='issue',
            name='milestone',
            field=models.TextField(blank=True, help_text='Title of the milestone.', null=True),
        ),
        migrations.AlterField(
            model_name='issue',
            name='performed_via_github_app',
            field=models.CharField(blank=True, help_text='Slug of the GitHub App that opened the issue.', max_length=100, null=True),
        ),
        migrations.AlterField(
            model_name='issue',
            name='reactions',
            field=models.JSONField(blank=True, default=dict, help_text='Number of reactions of each kind. Kinds without reactions are omitted.'),
        ),
        migrations.AlterField(
            model_name='issue',
            name='sub_issues_summary',
            field=models.JSONField(blank=True, help_text='Progress of the sub-issues: total, completed, percent_completed. Empty if unknown.', null=True),
        ),
        migrations.AlterField(
            model_name='issue',
            name='transferred_to',
            field=models.TextField(blank=True, help_text='New URL if the issue was transferred to another repository.'),
        ),
        migrations.AlterField(
            model_name='issuecomment',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='issuecomment',
            name='is_minimized',
            field=models.BooleanField(blank=True, help_text='Whether GitHub hides the text. Empty if unknown.', null=True),
        ),
        migrations.AlterField(
            model_name='issuecomment',
            name='minimized_reason',
            field=models.CharField(blank=True, db_default='', default='', help_text='Reason for hiding the text, such as spam, off-topic or resolved.', max_length=64),
        ),
        migrations.AlterField(
            model_name='issuecomment',
            name='performed_via_github_app',
            field=models.CharField(blank=True, help_text='Slug of the GitHub App that wrote the comment.', max_length=100, null=True),
        ),
        migrations.AlterField(
            model_name='issuecomment',
            name='reactions',
            field=models.JSONField(blank=True, default=dict, help_text='Number of reactions of each kind. Kinds without reactions are omitted.'),
        ),
        migrations.AlterField(
            model_name='issuecomment',
            name='state_read_at',
            field=models.DateTimeField(blank=True, help_text='When is_minimized was last read from GitHub (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='label',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='milestone',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='pullrequest',
            name='closes',
            field=models.JSONField(blank=True, default=list, help_text='Issues that are closed by merging: repository, number.'),
        ),
        migrations.AlterField(
            model_name='pullrequest',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='pullrequest',
            name='head_repository',
            field=models.CharField(blank=True, help_text='owner/name. Empty if the repository was deleted.', max_length=300),
        ),
        migrations.AlterField(
            model_name='pullrequest',
            name='review_requests',
            field=models.JSONField(blank=True, default=list, help_text='Requested reviewers: kind, id, name.'),
        ),
        migrations.AlterField(
            model_name='pullrequest',
            name='threads_read_at',
            field=models.DateTimeField(blank=True, help_text='When the review threads were last read (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='refchange',
            name='forced',
            field=models.BooleanField(default=False, help_text='Whether the new tip does not contain the old tip.'),
        ),
        migrations.AlterField(
            model_name='refchange',
            name='new_sha',
            field=models.CharField(blank=True, help_text='Empty for a deleted branch or tag.', max_length=64),
        ),
        migrations.AlterField(
            model_name='release',
            name='assets',
            field=models.JSONField(blank=True, default=list, help_text='Attached files: name, size in bytes, number of downloads.'),
        ),
        migrations.AlterField(
            model_name='release',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='release',
            name='reactions',
            field=models.JSONField(blank=True, default=dict, help_text='Number of reactions of each kind. Kinds without reactions are omitted.'),
        ),
        migrations.AlterField(
            model_name='repository',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='repository',
            name='enabled',
            field=models.BooleanField(default=True, help_text='Collect this repository in runs that name no repository.'),
        ),
        migrations.AlterField(
            model_name='repository',
            name='id',
            field=models.BigIntegerField(help_text="GitHub's numeric id. Negative if the id is not known yet.", primary_key=True, serialize=False),
        ),
        migrations.AlterField(
            model_name='repository',
            name='license_id',
            field=models.CharField(blank=True, help_text='SPDX identifier. NOASSERTION if GitHub does not recognize the license.', max_length=100, null=True),
        ),
        migrations.AlterField(
            model_name='repository',
            name='mirror_url',
            field=models.TextField(blank=True, help_text='URL of the mirrored repository.', null=True),
        ),
        migrations.AlterField(
            model_name='repository',
            name='parent_id',
            field=models.BigIntegerField(blank=True, help_text='Id of the repository from which this repository was forked.', null=True),
        ),
        migrations.AlterField(
            model_name='repository',
            name='source_id',
            field=models.BigIntegerField(blank=True, help_text='Id of the first repository of the fork network.', null=True),
        ),
        migrations.AlterField(
            model_name='review',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='review',
            name='is_minimized',
            field=models.BooleanField(blank=True, help_text='Whether GitHub hides the text. Empty if unknown.', null=True),
        ),
        migrations.AlterField(
            model_name='review',
            name='minimized_reason',
            field=models.CharField(blank=True, db_default='', default='', help_text='Reason for hiding the text, such as spam, off-topic or resolved.', max_length=64),
        ),
        migrations.AlterField(
            model_name='review',
            name='reactions',
            field=models.JSONField(blank=True, default=dict, help_text='Number of reactions of each kind. Kinds without reactions are omitted.'),
        ),
        migrations.AlterField(
            model_name='review',
            name='state',
            field=models.CharField(help_text="GitHub's state, such as APPROVED or CHANGES_REQUESTED.", max_length=32),
        ),
        migrations.AlterField(
            model_name='reviewcomment',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='reviewcomment',
            name='is_minimized',
            field=models.BooleanField(blank=True, help_text='Whether GitHub hides the text. Empty if unknown.', null=True),
        ),
        migrations.AlterField(
            model_name='reviewcomment',
            name='is_resolved',
            field=models.BooleanField(blank=True, help_text='Whether the review thread is resolved. Empty if unknown.', null=True),
        ),
        migrations.AlterField(
            model_name='reviewcomment',
            name='minimized_reason',
            field=models.CharField(blank=True, db_default='', default='', help_text='Reason for hiding the text, such as spam, off-topic or resolved.', max_length=64),
        ),
        migrations.AlterField(
            model_name='reviewcomment',
            name='reactions',
            field=models.JSONField(blank=True, default=dict, help_text='Number of reactions of each kind. Kinds without reactions are omitted.'),
        ),
        migrations.AlterField(
            model_name='reviewcomment',
            name='state_read_at',
            field=models.DateTimeField(blank=True, help_text='When is_minimized was last read from GitHub (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='reviewcomment',
            name='subject_type',
            field=models.CharField(blank=True, help_text='Either line or file.', max_length=16),
        ),
        migrations.AlterField(
            model_name='reviewcomment',
            name='thread_node_id',
            field=models.CharField(blank=True, db_default='', default='', help_text="GitHub's node id of the review thread. Empty if unknown.", max_length=100),
        ),
        migrations.AlterField(
            model_name='revision',
            name='kind',
            field=models.CharField(help_text='Type of the post, such as issue, issue_comment or review.', max_length=32),
        ),
        migrations.AlterField(
            model_name='revision',
            name='object_id',
            field=models.BigIntegerField(help_text="GitHub's numeric id of the edited post."),
        ),
        migrations.AlterField(
            model_name='revision',
            name='replaced_at',
            field=models.DateTimeField(help_text='When the post was updated by the edit (UTC).'),
        ),
        migrations.AlterField(
            model_name='revision',
            name='written_at',
            field=models.DateTimeField(help_text='When the post was last updated before the edit (UTC).'),
        ),
        migrations.AlterField(
            model_name='timeline',
            name='entries',
            field=models.PositiveIntegerField(default=0, help_text='Number of timeline entries, including comments and reviews.'),
        ),
        migrations.AlterField(
            model_name='timelineevent',
            name='data',
            field=models.JSONField(blank=True, default=dict, help_text='Details that GitHub provides for this type of event.'),
        ),
        migrations.AlterField(
            model_name='timelineevent',
            name='deleted_at',
            field=models.DateTimeField(blank=True, help_text='When the deletion was noticed (UTC).', null=True),
        ),
        migrations.AlterField(
            model_name='timelineevent',
            name='event',
            field=models.CharField(help_text="Name of the event in GitHub's REST API.", max_length=64),
        ),
        migrations.AlterField(
            model_name='timelineevent',
            name='node_id',
            field=models.CharField(help_text="GitHub's node id. Some events have no numeric id.", max_length=200, primary_key=True, serialize=False),
        ),
        migrations.AlterField(
            model_name='timelineevent',
            name='number',
            field=models.PositiveIntegerField(help_text='Number of the issue or pull request.'),
        ),
    ]
