//! The one integration binary: every test outside `src` is a module of it, and every script under
//! `tests/script` is a test of its own.
#![cfg(test)]

mod agent;
mod clipboard;
mod durability;
mod examples;
mod format;
mod harness;
mod hostile;
mod leaks;
mod medium;
mod network;
mod programs;
mod rotation;
mod shells;
mod supply;
mod tidy;

mod script {
    //! A user's sessions, one test a file.

    crate::scripts! {
        accept_state
        access_key
        aws_examples
        aws_form
        bad_file
        bad_vault
        batch_get_secret_value
        change_passphrase
        check
        cli_input
        completions
        configure
        copy
        create_secret
        credentials
        cross_account
        day
        delete_secret
        describe_secret
        doctor
        edit
        env
        environment
        everyday
        export
        first_secret
        full_disk
        generate
        get_random_password
        get_secret_value
        grant
        harness
        help
        import_programs
        import_protected
        import_store
        import
        init
        inject
        json
        key_slot
        list_events
        list_secret_version_ids
        list_secrets
        log
        man
        otp
        pager
        paging
        peer_agent
        peer_changed
        peer_salvage
        peer
        pick
        preamble
        prompts
        put_secret_value
        quiet
        regions
        rekey
        rename
        repair
        resource_policies
        restore_backup
        restore_secret
        run_confined
        run_endpoint
        run_grant
        run
        salvage
        serve_agent
        serve
        streams
        tag_resource
        terminal
        undo
        unlock
        untag_resource
        update_secret_version_stage
        update_secret
        value_alone
        version
        welcome
    }

    #[test]
    fn every_file_is_listed() {
        let names =
            crate::harness::files::names_in(&crate::harness::repository().join("tests/script"));
        let files: Vec<String> = names.iter().map(|name| name.replace('-', "_")).collect();
        let listed: Vec<String> = LISTED.iter().map(|name| format!("{name}.txt")).collect();
        assert_eq!(files, listed, "files in tests/script and names in tests/main.rs, in order");
    }
}
