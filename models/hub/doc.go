// Package hub finds models of the Hugging Face Hub: it looks for a repository
// in the local cache and downloads what is missing.
//
// The cache is that of Python's huggingface_hub, and either may use what the
// other has downloaded:
//
//	models--OWNER--NAME/
//	    refs/REVISION                the commit of a branch or a tag
//	    blobs/ETAG                   the content of a file
//	    snapshots/COMMIT/FILE        a relative link to a blob
//	.locks/models--OWNER--NAME/ETAG.lock
//
// A download goes to blobs/ETAG.incomplete, where an interrupted one is
// continued, and gets its name when its checksum is right. Files appear in a
// snapshot when all that were asked for are whole, and a revision points to a
// commit after that.
//
// Protocol and layout:
// https://huggingface.co/docs/huggingface_hub/guides/manage-cache and
// https://huggingface.co/docs/hub/api.
package hub
