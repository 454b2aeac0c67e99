//! Lists of certificates that their authority has taken back (RFC 5280, section 5).

use std::path::Path;

use rustls_pki_types::CertificateRevocationListDer;
use rustls_pki_types::pem::PemObject as _;
use x509_parser::time::ASN1Time;

/// All lists of a file (PEM), and whether one of them should have been followed by another by now.
///
/// # Errors
/// Where the file can not be read, or holds something else.
pub(crate) fn read_lists(path: &Path) -> Result<(Vec<CertificateRevocationListDer<'static>>, bool), String> {
    let shown = path.display();
    let lists = CertificateRevocationListDer::pem_file_iter(path).map_err(|why| format!("{shown}: {why}"))?;
    let lists: Vec<_> = lists
        .collect::<Result<_, _>>()
        .map_err(|why| format!("{shown}: {why}"))?;
    if lists.is_empty() {
        return Err(format!(
            "{shown}: there is no revocation list (PEM, \"X509 CRL\") in it"
        ));
    }
    let mut is_late = false;
    for list in &lists {
        let (_, parsed) = x509_parser::parse_x509_crl(list).map_err(|why| format!("{shown}: {why}"))?;
        is_late |= parsed.next_update().is_none_or(|next| next < ASN1Time::now());
    }
    Ok((lists, is_late))
}
