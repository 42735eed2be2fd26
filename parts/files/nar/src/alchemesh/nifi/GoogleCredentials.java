package alchemesh.nifi;

import org.apache.nifi.controller.ControllerService;

/** Who a processor is to Google. */
public interface GoogleCredentials extends ControllerService {

    /** A bearer token, or null where none is configured. */
    String token();
}
