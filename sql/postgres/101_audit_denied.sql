-- What was refused is little, and is asked for often: without this a week of it reads a week of all.
CREATE INDEX event_denied ON :"audit".event (happened_at) WHERE denied;
