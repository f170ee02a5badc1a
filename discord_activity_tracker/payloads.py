"""The fields of Discord's objects that the tracker reads. Stored payloads also contain other fields."""

from typing import NotRequired, TypedDict


class User(TypedDict):
    """A user: https://discord.com/developers/docs/resources/user#user-object"""

    id: str
    username: str
    global_name: NotRequired[str | None]
    bot: NotRequired[bool]
    system: NotRequired[bool]
    avatar: NotRequired[str | None]
    discriminator: NotRequired[str]


class Role(TypedDict):
    """A role: https://discord.com/developers/docs/topics/permissions#role-object"""

    id: str
    name: str
    permissions: str | None
    position: NotRequired[int]


class Emoji(TypedDict):
    """An emoji: https://discord.com/developers/docs/resources/emoji#emoji-object"""

    id: str | None
    name: str | None
    animated: NotRequired[bool]


class Overwrite(TypedDict):
    """A permission overwrite: https://discord.com/developers/docs/resources/channel#overwrite-object"""

    id: str
    type: int
    allow: str
    deny: str


class ThreadMetadata(TypedDict):
    """The metadata of a thread: https://discord.com/developers/docs/resources/channel#thread-metadata-object"""

    archived: bool
    archive_timestamp: str | None
    locked: NotRequired[bool]
    create_timestamp: NotRequired[str | None]


class Channel(TypedDict):
    """A channel or thread: https://discord.com/developers/docs/resources/channel#channel-object"""

    id: str
    type: int
    name: NotRequired[str | None]
    topic: NotRequired[str | None]
    parent_id: NotRequired[str | None]
    position: NotRequired[int]
    nsfw: NotRequired[bool]
    owner_id: NotRequired[str | None]
    permission_overwrites: NotRequired[list[Overwrite]]
    last_message_id: NotRequired[str | None]
    last_pin_timestamp: NotRequired[str | None]
    available_tags: NotRequired[list[dict[str, object]]]
    applied_tags: NotRequired[list[str]]
    thread_metadata: NotRequired[ThreadMetadata]


class Guild(TypedDict):
    """A guild: https://discord.com/developers/docs/resources/guild#guild-object"""

    id: str
    name: str
    owner_id: str
    icon: NotRequired[str | None]
    description: NotRequired[str | None]
    roles: list[Role]
    emojis: list[dict[str, object]]
    unavailable: NotRequired[bool]
    stickers: NotRequired[list[dict[str, object]]]


class Member(TypedDict):
    """A member of a guild: https://discord.com/developers/docs/resources/guild#guild-member-object"""

    roles: list[str]


class Event(TypedDict):
    """A scheduled event.

    https://discord.com/developers/docs/resources/guild-scheduled-event#guild-scheduled-event-object
    """

    id: str
    channel_id: str | None
    name: str
    description: NotRequired[str | None]
    scheduled_start_time: str
    scheduled_end_time: str | None
    status: int
    entity_type: int
    user_count: NotRequired[int]
    creator: NotRequired[User]


class Reference(TypedDict):
    """A message reference: https://discord.com/developers/docs/resources/message#message-reference-structure"""

    type: NotRequired[int]
    message_id: NotRequired[str]
    channel_id: NotRequired[str]


class ReactionDetails(TypedDict):
    """Counts of a reaction: https://discord.com/developers/docs/resources/message#reaction-count-details-object"""

    normal: int
    burst: int


class Reaction(TypedDict):
    """A reaction: https://discord.com/developers/docs/resources/message#reaction-object"""

    emoji: Emoji
    count: int
    count_details: NotRequired[ReactionDetails]


class Message(TypedDict):
    """A message: https://discord.com/developers/docs/resources/message#message-object"""

    id: str
    channel_id: str
    type: int
    content: str
    author: User
    timestamp: str
    edited_timestamp: str | None
    pinned: bool
    flags: NotRequired[int]
    mentions: NotRequired[list[User]]
    webhook_id: NotRequired[str | None]
    application_id: NotRequired[str | None]
    interaction: NotRequired[dict[str, object]]
    interaction_metadata: NotRequired[dict[str, object]]
    reactions: NotRequired[list[Reaction]]
    message_reference: NotRequired[Reference]
    thread: NotRequired[Channel]


class Pin(TypedDict):
    """A pin: https://discord.com/developers/docs/resources/message#get-channel-pins"""

    pinned_at: str
    message: Message
